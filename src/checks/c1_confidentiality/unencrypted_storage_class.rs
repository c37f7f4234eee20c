//! Asks that the disks a cluster makes are encrypted.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Place, StorageClass},
};

pub(super) const CHECK: Check = Check {
    id: "unencrypted-storage-class",
    criterion: Criterion::C1,
    tsc: &[
        Support::supporting(Criterion::C1_1, "confidential information is encrypted where it is stored"),
        Support::supporting(Criterion::CC6_1, "a copied disk or snapshot is of no use without the key"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "storage class without encryption",
    why: "Every volume of this class lies in the clear on the provider's disks, and so do its snapshots and backups. \
          Encryption cannot be switched on later: each volume has to be made anew and copied.",
    fix: "Make a class with the parameter set: a class cannot be changed.",
    references: &[Reference::Kubernetes("Storage Classes")],
    examples: Examples::new(
        "
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: ebs.csi.aws.com
parameters: {type: gp3}
",
        "
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: ebs.csi.aws.com
parameters: {type: gp3, encrypted: 'true'}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::StorageClass]), configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    /// Also asks for a key of our own where the provider encrypts with its own anyway.
    customer_key: bool,
    /// What further provisioners need.
    provisioners: Vec<Provisioner>,
}

/// A parameter that the volumes of a provisioner need to be encrypted.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Provisioner {
    name: String,
    /// As the drivers read it: upper and lower case are the same.
    parameter: String,
    /// Values that will do; any if there are none.
    #[serde(default)]
    values: Vec<String>,
}

/// What the drivers' own documentation says: provisioner, parameter, value.
const ENCRYPTED: [(&str, &str, &str); 2] =
    [("ebs.csi.aws.com", "encrypted", "true"), ("kubernetes.io/aws-ebs", "encrypted", "true")];

/// Provisioners that encrypt with a key of the platform, and the parameter that names another key.
const WITH_PLATFORM_KEY: [(&str, &str); 2] =
    [("pd.csi.storage.gke.io", "disk-encryption-kms-key"), ("disk.csi.azure.com", "diskEncryptionSetID")];

/// The provisioners that are known.
struct Known {
    demands: Vec<Provisioner>,
    /// Those that encrypt whatever the class says.
    satisfied: Vec<&'static str>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { customer_key, provisioners } = params.read()?;
    if provisioners.iter().any(|one| one.name.trim().is_empty() || one.parameter.trim().is_empty()) {
        return Err(params.refuse("`provisioners` has an entry without `name` or `parameter`: write both"));
    }
    let demand = |name: &str, parameter: &str, values: Vec<String>| Provisioner {
        name: name.to_owned(),
        parameter: parameter.to_owned(),
        values,
    };
    let mut demands = provisioners;
    demands.extend(
        ENCRYPTED.iter().map(|(name, parameter, value)| demand(name, parameter, vec![(*value).to_owned()])),
    );
    let mut satisfied = Vec::new();
    for (name, parameter) in WITH_PLATFORM_KEY {
        if customer_key {
            demands.push(demand(name, parameter, Vec::new()));
        } else {
            satisfied.push(name);
        }
    }
    let known = Known { demands, satisfied };
    Ok(Examiner::Whole(Box::new(move |ask, report| known.examine(ask, report))))
}

impl Known {
    fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        let Some(Body::StorageClass(class)) = ask.object.map(|object| &object.body) else { return };
        let mut demands = self.demands.iter().filter(|demand| class.provisioner == *demand.name).peekable();
        if demands.peek().is_none() && !self.satisfied.iter().any(|name| class.provisioner == **name) {
            let name = quoted(&class.provisioner);
            let reason = format!("what encrypts the volumes of the provisioner {name} is not known");
            report.not_assessable(Missing::NotKnownHere(reason.into()));
        }
        for demand in demands {
            demand.examine(class, report);
        }
    }
}

impl Provisioner {
    fn examine(&self, class: &StorageClass, report: &mut Report) {
        let fits = |value: &str| match self.values.as_slice() {
            [] => !value.trim().is_empty(),
            values => values.iter().any(|one| one == value),
        };
        // A class may write one parameter twice, in two spellings; which one the driver takes is chance.
        let written: Vec<&str> = class
            .parameters
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(&self.parameter))
            .map(|(_, value)| &**value)
            .collect();
        let wrong = written.iter().copied().find(|value| !fits(value));
        if wrong.is_none() && !written.is_empty() {
            return;
        }
        let is = wrong.map_or_else(|| "is absent".to_owned(), |value| format!("is {}", quoted(value)));
        let needs = match self.values.as_slice() {
            [] => "a key".to_owned(),
            values => format!("`{}`", values.join("` or `")),
        };
        let what = format!("{is}, and {} needs {needs} there", quoted(&self.name));
        report.violation_of(
            Place::default().entry("parameters", &self.parameter),
            wrong.unwrap_or_default(),
            what,
        );
    }
}
