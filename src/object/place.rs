//! Where something stands: the walks over pod specs, containers and images, written once, and the paths they yield.

use super::{container::Container, metadata::Metadata, pod::PodSpec, security::SecurityAt};

/// A field, as a person finds it and as the ratchet recognises it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The path with list positions: `spec.template.spec.containers[0].securityContext.privileged`.
    pub path: String,
    /// The same inside its pod spec, with merge keys instead of positions: `containers[name=web].securityContext`.
    /// Two objects that carry one pod spec at different depths agree on it.
    pub key: String,
    /// The container it lies in, for exemptions that name one.
    pub container: Option<ContainerName>,
}

/// What an exemption may say about a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerName {
    pub name: String,
    pub image: String,
}

impl Place {
    /// A place outside any pod spec; the path serves as the key.
    pub fn of(path: &str) -> Self {
        Self { path: path.to_owned(), key: path.to_owned(), container: None }
    }

    /// The same in a container that is known by name alone.
    #[must_use]
    pub fn in_container(self, name: &str) -> Self {
        let container =
            (!name.is_empty()).then(|| ContainerName { name: name.to_owned(), image: String::new() });
        Self { container, ..self }
    }

    /// A field beneath this place.
    #[must_use]
    pub fn field(mut self, field: &str) -> Self {
        for text in [&mut self.path, &mut self.key] {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(field);
        }
        self
    }

    /// The item of a list beneath this place: by position in the path, by `merge_key` (`name=web`) in the key.
    #[must_use]
    pub fn item(self, list: &str, position: usize, merge_key: &str) -> Self {
        let mut place = self.field(list);
        place.path.push_str(&format!("[{position}]"));
        place.key.push_str(&format!("[{merge_key}]"));
        place
    }

    /// The entry of a map beneath this place.
    #[must_use]
    pub fn entry(self, map: &str, key: &str) -> Self {
        let mut place = self.field(map);
        for text in [&mut place.path, &mut place.key] {
            text.push('[');
            text.push_str(key);
            text.push(']');
        }
        place
    }
}

/// A pod spec and where its object keeps it.
#[derive(Clone, Copy, Debug)]
pub struct PodAt<'o> {
    pub spec: &'o PodSpec<'o>,
    /// The metadata that becomes the pod's: annotations that speak of the pod are read here.
    pub metadata: &'o Metadata<'o>,
    spec_path: &'static str,
    metadata_path: &'static str,
}

impl<'o> PodAt<'o> {
    pub(super) fn new(
        spec: &'o PodSpec<'_>,
        metadata: &'o Metadata<'_>,
        spec_path: &'static str,
        metadata_path: &'static str,
    ) -> Self {
        Self { spec, metadata, spec_path, metadata_path }
    }

    /// A field of the pod spec.
    pub fn at(&self, field: &str) -> Place {
        Place { path: self.spec_path.to_owned(), key: String::new(), container: None }.field(field)
    }

    /// The item of a list of the pod spec.
    pub fn item(&self, list: &str, position: usize, merge_key: &str) -> Place {
        Place { path: self.spec_path.to_owned(), key: String::new(), container: None }
            .item(list, position, merge_key)
    }

    /// An annotation of the pod.
    pub fn annotation(&self, key: &str) -> Place {
        Place { path: self.metadata_path.to_owned(), key: "metadata".to_owned(), container: None }
            .entry("annotations", key)
    }

    /// A label of the pod.
    pub fn label(&self, key: &str) -> Place {
        Place { path: self.metadata_path.to_owned(), key: "metadata".to_owned(), container: None }
            .entry("labels", key)
    }

    /// Whether the metadata is the pod's own and not a template's.
    pub fn is_pod_itself(&self) -> bool {
        self.metadata_path == "metadata"
    }

    /// The pod's `securityContext` and then every container's, where they are set.
    pub fn security_contexts(&self) -> impl Iterator<Item = SecurityAt<'o>> + use<'o> {
        let pod = *self;
        let of_pod = self.spec.security_context.iter().map(move |context| SecurityAt::of_pod(pod, context));
        of_pod.chain(self.containers().filter_map(SecurityAt::of_container))
    }

    /// Every container of every list. The only loop over containers in the program.
    pub fn containers(&self) -> impl Iterator<Item = ContainerAt<'o>> + use<'o> {
        let pod = *self;
        let spec = self.spec;
        [
            (ContainerList::Containers, &spec.containers),
            (ContainerList::InitContainers, &spec.init_containers),
            (ContainerList::EphemeralContainers, &spec.ephemeral_containers),
        ]
        .into_iter()
        .flat_map(move |(list, containers)| {
            containers.iter().enumerate().map(move |(position, container)| ContainerAt {
                pod,
                list,
                position,
                container,
            })
        })
    }

    /// Every image reference: of containers, then of image volumes.
    pub fn images(&self) -> impl Iterator<Item = ImageAt<'o>> + use<'o> {
        let pod = *self;
        let of_containers = self.containers().map(|at| (&*at.container.image, ImageSource::Container(at)));
        let of_volumes = self.spec.volumes.iter().enumerate().filter_map(move |(position, volume)| {
            let image = volume.image.as_ref()?;
            Some((&*image.reference, ImageSource::Volume { pod, position, name: &volume.name }))
        });
        let all = of_containers.chain(of_volumes).enumerate();
        all.map(|(position, (reference, source))| ImageAt { reference, position, source })
    }
}

/// Which of the three lists a container stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerList {
    Containers,
    /// Sidecars included: they are init containers that keep running (KEP-753).
    InitContainers,
    EphemeralContainers,
}

impl ContainerList {
    pub const fn field(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::InitContainers => "initContainers",
            Self::EphemeralContainers => "ephemeralContainers",
        }
    }
}

/// One container and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct ContainerAt<'o> {
    pub pod: PodAt<'o>,
    pub list: ContainerList,
    pub position: usize,
    pub container: &'o Container<'o>,
}

impl<'o> ContainerAt<'o> {
    fn place(&self) -> Place {
        let name = &*self.container.name;
        // Files may leave the name out; the position must do then.
        let merge_key = if name.is_empty() { self.position.to_string() } else { format!("name={name}") };
        let mut place = self.pod.item(self.list.field(), self.position, &merge_key);
        let image = self.container.image.to_string();
        place.container = Some(ContainerName { name: name.to_owned(), image });
        place
    }

    /// A field of the container.
    pub fn at(&self, field: &str) -> Place {
        self.place().field(field)
    }

    /// The capabilities that it adds to the runtime's set, each with its position.
    pub fn added_capabilities(&self) -> impl Iterator<Item = (usize, &'o str)> + use<'o> {
        let capabilities =
            self.container.security_context.as_ref().and_then(|context| context.capabilities.as_ref());
        capabilities
            .into_iter()
            .flat_map(|capabilities| capabilities.add.iter().map(|name| &**name).enumerate())
    }

    /// The item of a list of the container.
    pub fn item(&self, list: &str, position: usize, merge_key: &str) -> Place {
        self.place().item(list, position, merge_key)
    }
}

/// One image reference and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct ImageAt<'o> {
    /// As written; may be absent in a template, and then empty.
    pub reference: &'o str,
    /// Among the images of the pod.
    pub position: usize,
    source: ImageSource<'o>,
}

#[derive(Clone, Copy, Debug)]
enum ImageSource<'o> {
    Container(ContainerAt<'o>),
    Volume { pod: PodAt<'o>, position: usize, name: &'o str },
}

impl ImageAt<'_> {
    /// The field that holds the reference.
    pub fn place(&self) -> Place {
        match &self.source {
            ImageSource::Container(at) => at.at("image"),
            ImageSource::Volume { pod, position, name } => {
                let mut place =
                    pod.item("volumes", *position, &format!("name={name}")).field("image.reference");
                // No container, but an image that an exemption may name.
                place.container =
                    Some(ContainerName { name: String::new(), image: self.reference.to_owned() });
                place
            }
        }
    }
}
