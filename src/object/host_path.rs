//! The walk over volumes of the node's files and over the places where containers mount them.

use super::{
    container::VolumeMount,
    place::{ContainerAt, Place, PodAt},
    volume::Volume,
};

/// One `hostPath` volume and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct HostPathAt<'o> {
    pub volume: &'o Volume<'o>,
    /// As written; empty if it was left out.
    pub path: &'o str,
    pod: PodAt<'o>,
    position: usize,
}

/// One mount of a volume in a container and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct MountAt<'o> {
    pub mount: &'o VolumeMount<'o>,
    container: ContainerAt<'o>,
    position: usize,
}

impl<'o> PodAt<'o> {
    /// Every volume that opens files of the node, mounted or not.
    pub fn host_paths(&self) -> impl Iterator<Item = HostPathAt<'o>> + use<'o> {
        let pod = *self;
        self.spec.volumes.iter().enumerate().filter_map(move |(position, volume)| {
            let path = &*volume.host_path.as_ref()?.path;
            Some(HostPathAt { volume, path, pod, position })
        })
    }

    /// Every mount of a volume, in any container.
    pub fn mounts_of(&self, volume: &'o Volume<'o>) -> impl Iterator<Item = MountAt<'o>> + use<'o> {
        self.containers().flat_map(move |container| {
            let mounts = container.container.volume_mounts.iter().enumerate();
            mounts.filter(|(_, mount)| mount.name == volume.name).map(move |(position, mount)| MountAt {
                mount,
                container,
                position,
            })
        })
    }
}

impl HostPathAt<'_> {
    /// A field of the volume.
    pub fn at(&self, field: &str) -> Place {
        self.pod.item("volumes", self.position, &format!("name={}", &*self.volume.name)).field(field)
    }
}

impl MountAt<'_> {
    /// Whether it says that it is: unless a mount does, it can be written.
    pub fn is_read_only(&self) -> bool {
        self.mount.read_only == Some(true)
    }

    /// A field of the mount.
    pub fn at(&self, field: &str) -> Place {
        let merge_key = format!("mountPath={}", &*self.mount.mount_path);
        self.container.item("volumeMounts", self.position, &merge_key).field(field)
    }
}
