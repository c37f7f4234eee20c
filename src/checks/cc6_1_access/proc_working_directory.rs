//! Refuses to start a container inside the files of processes, where the runtime's own handles lie.

use crate::{
    check::{Ask, Check, Examine, Examples, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::{ContainerAt, FilePath},
};

pub(super) const CHECK: Check = Check {
    id: "proc-working-directory",
    criterion: Criterion::CC6_1,
    tsc: &[
        Support::direct(Criterion::CC6_1, "keeps a container from starting outside its own files"),
        Support::direct(Criterion::CC6_8, "stops a known way to put software on the node"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "working directory in /proc",
    why: "Under /proc lie the files that the container runtime holds open on the node. A container that starts in one \
          of them stands outside its own root and can overwrite the node's programs.",
    fix: "Set `workingDir` to a directory of the image; no ordinary program starts in /proc.",
    references: &[Reference::Cve("CVE-2024-21626")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    workingDir: /proc/self/fd/8
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    workingDir: /app
",
    ),
    examine: Examine::EachContainer(in_proc),
};

fn in_proc(at: &ContainerAt<'_>, _: &Ask<'_>, report: &mut Report) {
    let directory = &*at.container.working_dir;
    if !directory.is_empty() && FilePath::resolve(directory).is_within("/proc") {
        report.violation_of(at.at("workingDir"), directory, format!("is {}", quoted(directory)));
    }
}
