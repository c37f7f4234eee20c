//! Asks that wide blocks of addresses leave out private networks and the cloud's metadata service.

use std::collections::BTreeMap;

use crate::{
    check::{Check, Examine, Examples, Kinds, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::{Cidr, Direction, Family, Intervals, IpBlock, Kind, Object, PeerAt},
};

pub(super) const CHECK: Check = Check {
    id: "world-open-ip-block",
    criterion: Criterion::CC6_6,
    tsc: &[
        Support::direct(Criterion::CC6_6, "a rule of the boundary says which addresses it lets through"),
        Support::supporting(Criterion::CC6_1, "the cloud's credentials are not given to every pod"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "block of all addresses",
    why: "Who means the internet writes all addresses, and so also lets through the company's own networks, other pods \
          and the metadata service that hands out the node's cloud credentials.",
    fix: "Narrow the block, or add the private networks and 169.254.169.254/32 to `except`.",
    references: &[Reference::Kubernetes("Network Policies")],
    examples: Examples::new(
        "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress:
  - ports: [{port: 443}]
    to:
    - ipBlock: {cidr: 0.0.0.0/0}
",
        "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress:
  - ports: [{port: 443}]
    to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.169.254/32]
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::NetworkPolicy]), |ask, report| {
        for blocks in ask.object.map(groups).unwrap_or_default().values() {
            examine(blocks, report);
        }
    }),
};

/// Private networks (RFC 1918, RFC 4193) and the address at which clouds hand out credentials.
const SENSITIVE: [&str; 5] =
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.169.254/32", "fc00::/7"];

/// A block with fewer leading bits is wide.
const WIDE: u32 = 8;

/// A block, its addresses, and those that it lets through.
struct Block<'o> {
    at: PeerAt<'o>,
    cidr: Cidr,
    open: Intervals,
}

/// The blocks of an object by direction and ports: rules that open the same ports add up like the peers of one.
fn groups<'o>(object: &'o Object<'_>) -> BTreeMap<(Direction, String), Vec<Block<'o>>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for rule in object.traffic_rules() {
        let ports = rule.ports().collect::<Vec<_>>().join(",");
        groups.entry((rule.direction, ports)).or_default().extend(rule.peers().filter_map(block));
    }
    groups
}

fn block(at: PeerAt<'_>) -> Option<Block<'_>> {
    let block: &IpBlock = at.peer.ip_block.as_ref().filter(|_| at.peer.is_address())?;
    let cidr = Cidr::parse(&block.cidr)?;
    // An exception that cannot be read excepts nothing.
    let open = block.addresses(cidr.first.family);
    Some(Block { at, cidr, open: open.unwrap_or_else(|| [cidr.range()].into_iter().collect()) })
}

fn examine(blocks: &[Block<'_>], report: &mut Report) {
    for family in Family::ALL {
        let own = || blocks.iter().filter(|block| block.cidr.first.family == family);
        let sensitive = sensitive(family);
        let all: Intervals = own().flat_map(|block| block.open.ranges()).collect();
        let is_world = all.covers(&family.every());
        let pieces = own().filter(|block| block.cidr.prefix >= WIDE).map(|block| block.cidr.range());
        let stretches = wide_stretches(&pieces.collect(), family);
        for Block { at, cidr, open } in own() {
            let reaches_inside = open.meets(&sensitive);
            let what = match cidr.prefix < WIDE {
                true if reaches_inside => "lets through private networks or the cloud's metadata service",
                true if is_world => "with the blocks beside it lets through every address",
                false if reaches_inside && stretches.contains(cidr.first.number) => {
                    "with the blocks beside it is wider than any network"
                }
                _ => continue,
            };
            let written = cidr.to_string();
            let what = format!("is {} and {what}", quoted(&written));
            report.violation_of(at.at("ipBlock.cidr", &written), &written, what);
        }
    }
}

fn sensitive(family: Family) -> Intervals {
    let all = SENSITIVE.iter().filter_map(|text| Cidr::parse(text));
    all.filter(|cidr| cidr.first.family == family).map(|cidr| cidr.range()).collect()
}

/// What blocks, narrow each by itself, are together where they lie side by side and are wide so.
fn wide_stretches(pieces: &Intervals, family: Family) -> Intervals {
    let greatest = family.every().ranges().map(|(_, last)| last).max().unwrap_or_default();
    pieces.ranges().filter(|(first, last)| last.saturating_sub(*first) > greatest >> WIDE).collect()
}
