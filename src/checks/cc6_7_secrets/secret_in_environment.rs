//! Records Secrets that a container gets as environment variables instead of files.

use crate::{
    check::{Ask, Check, Examine, Examples, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::ContainerAt,
};

pub(super) const CHECK: Check = Check {
    id: "secret-in-environment",
    criterion: Criterion::CC6_7,
    tsc: &[Support::supporting(
        Criterion::CC6_1,
        "credentials reach the program that needs them and no other",
    )],
    severity: Severity::Low,
    needs: &[],
    title: "Secret in the environment",
    why: "Variables are inherited by every child process and end up in crash reports and debug pages. A file can be \
          read once, and follows when the Secret is rotated.",
    fix: "Mount the Secret as a volume where the program can read a file.",
    references: &[Reference::Cis("5.4.1")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    volumeMounts: [{name: db, mountPath: /run/secrets/db, readOnly: true}]
  volumes: [{name: db, secret: {secretName: db}}]
",
    ),
    examine: Examine::EachContainer(look),
};

fn look(at: &ContainerAt<'_>, _: &Ask<'_>, report: &mut Report) {
    for (position, variable) in at.container.env.iter().enumerate() {
        let source = variable.value_from.as_ref().and_then(|source| source.secret_key_ref.as_ref());
        if let Some(secret) = source {
            let place = at.item("env", position, &format!("name={}", &*variable.name));
            let value = format!("{}/{}", &*secret.name, &*secret.key);
            let what = format!("refers to Secret {}", quoted(&secret.name));
            report.violation_of(place.field("valueFrom.secretKeyRef"), &value, what);
        }
    }
    for (position, source) in at.container.env_from.iter().enumerate() {
        if let Some(secret) = &source.secret_ref {
            let place = at.item("envFrom", position, &format!("secretRef={}", &*secret.name));
            let what = format!("takes all of Secret {}", quoted(&secret.name));
            report.violation_of(place.field("secretRef"), &secret.name, what);
        }
    }
}
