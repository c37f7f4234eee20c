//! Every state that a Secret, a registration and a replica can be found in, and the step that follows.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;

use super::*;
use crate::cluster::certificate::{
    registration::tests::{ours, registration},
    secret::ROTATE,
};

const HOST: &str = "soc2gate.soc2gate.svc";
const LIVES: Lives = Lives::IN_SECRET;

fn begin() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn days(days: i64) -> Timestamp {
    begin() + SignedDuration::from_hours(24 * days)
}

fn ca(made: Timestamp) -> Authority {
    Authority::make("soc2gate CA", LIVES, made).unwrap()
}

fn bundle<const N: usize>(cas: [&Authority; N]) -> Bundle {
    Bundle::default().joined_by(cas.map(|ca| ca.certificate().clone()))
}

fn pair(ca: &Authority, made: Timestamp) -> Pair {
    ca.issue(&names(), LIVES, made).unwrap()
}

fn names() -> Vec<String> {
    vec![HOST.to_owned(), "localhost".to_owned()]
}

/// A Secret whose newest CA is the first, with the key of another.
fn secret<const N: usize>(cas: [&Authority; N], key: &Authority, pair: &Pair) -> Secret {
    let (bundle, ca_key) = (bundle(cas), key.key().into_bytes());
    Content { bundle, ca_key, pair: pair.clone(), honours: false }.written_to(None, "tls")
}

/// A Secret whose newest CA is the first, as it is read back.
fn kept<const N: usize>(cas: [&Authority; N], pair: &Pair) -> Kept {
    Kept::read(&secret(cas, cas[0], pair))
}

fn asked(kept: Kept, rotate: Rotate) -> Kept {
    Kept { rotate: Some(rotate), ..kept }
}

/// A world in which nothing is there yet, to be filled in.
struct World {
    kept: Option<Kept>,
    held: Option<Pair>,
    live: Option<Registration>,
    remembered: Bundle,
    settled: bool,
    names: Vec<String>,
    now: Timestamp,
}

impl World {
    fn new(kept: Option<Kept>, live: Option<Bundle>) -> Self {
        let live = live.map(|bundle| registration(&[ours("workloads.soc2gate.io", &bundle.pem())]));
        let held = kept.as_ref().and_then(|kept| kept.pair.clone());
        Self { kept, held, live, remembered: Bundle::default(), settled: true, names: names(), now: days(1) }
    }

    fn seen(&self) -> Seen<'_> {
        Seen {
            kept: self.kept.as_ref(),
            held: self.held.as_ref(),
            live: self.live.as_ref(),
            remembered: &self.remembered,
            settled: self.settled,
            host: HOST,
            names: &self.names,
            now: self.now,
        }
    }

    fn step(&self) -> Step {
        plan(&self.seen())
    }

    /// The Secret after the step.
    fn after(&self) -> Kept {
        let content = self.step().content(&self.seen(), LIVES).unwrap().unwrap();
        Kept::read(&content.written_to(None, "tls"))
    }
}

fn new_ca(older: Bundle, certificate: Option<&Pair>, reason: Reason) -> Step {
    Step::NewCa { older, certificate: certificate.cloned(), reason }
}

#[test]
fn the_first_start_makes_a_ca_and_its_certificate_at_once() {
    for live in [None, Some(Bundle::default())] {
        let world = World::new(None, live);
        assert_eq!(world.step(), new_ca(Bundle::default(), None, Reason::First));
        let kept = world.after();
        let pair = kept.pair.unwrap();
        assert!(pair.covers(&names()));
        validate(&pair.certificate, &kept.bundle, HOST, world.now).unwrap();
        assert!(kept.authority.is_some());
    }
}

#[test]
fn what_is_good_is_left_alone() {
    let ca = ca(begin());
    let kept = kept([&ca], &pair(&ca, begin()));
    let world = World::new(Some(kept), Some(bundle([&ca])));
    assert_eq!(world.step(), Step::Rest);
    assert_eq!(world.seen().next_to_serve(), None);
}

#[test]
fn a_certificate_is_renewed_at_two_thirds_of_its_life() {
    let ca = ca(begin());
    for (day, renewed) in [(59, false), (61, true), (89, true)] {
        let mut world = World::new(Some(kept([&ca], &pair(&ca, begin()))), Some(bundle([&ca])));
        world.now = days(day);
        let expected = if renewed { Step::NewCertificate { reason: Reason::Age } } else { Step::Rest };
        assert_eq!(world.step(), expected, "after {day} days");
    }
}

#[test]
fn a_ca_is_followed_at_two_thirds_of_its_life_and_stays_beside_the_new_one() {
    let ca = ca(begin());
    for (day, followed) in [(485, false), (488, true)] {
        let pair = pair(&ca, days(day));
        let mut world = World::new(Some(kept([&ca], &pair)), Some(bundle([&ca])));
        world.now = days(day);
        let expected = if followed { new_ca(bundle([&ca]), Some(&pair), Reason::Age) } else { Step::Rest };
        assert_eq!(world.step(), expected, "after {day} days");
        if followed {
            let after = world.after();
            assert_eq!(after.bundle.len(), 2);
            assert_ne!(after.bundle.newest(), Some(ca.certificate()));
            assert!(after.bundle.contains(ca.certificate()));
            assert_eq!(after.pair, Some(pair));
        }
    }
}

#[test]
fn the_new_ca_signs_only_once_every_reader_knows_it() {
    let (new, old) = (ca(days(1)), ca(begin()));
    let kept = kept([&new, &old], &pair(&old, begin()));
    let mut world = World::new(Some(kept), Some(bundle([&old])));
    world.settled = false;
    assert_eq!(world.step(), Step::Rest);
    // Not even an old certificate is a reason, as long as it is valid.
    world.now = days(80);
    assert_eq!(world.step(), Step::Rest);
    world.settled = true;
    assert_eq!(world.step(), Step::NewCertificate { reason: Reason::NewCa });
    let after = world.after();
    assert_eq!(after.bundle, bundle([&new, &old]));
    validate(&after.pair.unwrap().certificate, &bundle([&new]), HOST, world.now).unwrap();
}

#[test]
fn a_lost_secret_keeps_what_callers_trust_and_what_is_served() {
    let old = ca(begin());
    let served = pair(&old, begin());
    let mut world = World::new(None, Some(bundle([&old])));
    world.held = Some(served.clone());
    world.settled = false;
    assert_eq!(world.step(), new_ca(bundle([&old]), Some(&served), Reason::Lost));
    let after = world.after();
    assert_eq!(after.pair, Some(served.clone()));

    // caBundle was wiped with it: what was last known counts.
    let mut wiped = World::new(None, Some(Bundle::default()));
    (wiped.held, wiped.remembered) = (Some(served.clone()), bundle([&old]));
    assert_eq!(wiped.step(), new_ca(bundle([&old]), Some(&served), Reason::Lost));

    // Who serves nothing yet makes a certificate at once, and still drops nobody's CA.
    world.held = None;
    assert_eq!(world.step(), new_ca(bundle([&old]), None, Reason::Lost));
}

#[test]
fn an_emptied_or_corrupted_secret_is_mended_without_touching_what_is_served() {
    let old = ca(begin());
    let served = pair(&old, begin());
    let whole = secret([&old], &old, &served);
    let without = |keys: &[&str], value: &[u8]| {
        let mut secret: Secret = whole.clone();
        for key in keys {
            secret.data.as_mut().unwrap().get_mut(*key).unwrap().0 = value.to_vec();
        }
        Kept::read(&secret)
    };
    let cut = [&b""[..], b"not PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"];
    for value in cut {
        for keys in [&["ca.crt", "ca.key", "tls.crt", "tls.key"][..], &["ca.crt"], &["ca.key"]] {
            let mut world = World::new(Some(without(keys, value)), Some(bundle([&old])));
            (world.held, world.settled) = (Some(served.clone()), false);
            let expected = new_ca(bundle([&old]), Some(&served), Reason::Damaged);
            assert_eq!(world.step(), expected, "{keys:?} are {value:?}");
        }
        for keys in [&["tls.crt"][..], &["tls.key"], &["tls.crt", "tls.key"]] {
            let mut world = World::new(Some(without(keys, value)), Some(bundle([&old])));
            world.held = Some(served.clone());
            // The CA is known to all: a new certificate is the cleanest.
            assert_eq!(world.step(), Step::NewCertificate { reason: Reason::Damaged });
            // It is not known yet: what is served goes on.
            world.settled = false;
            let mended =
                Step::Mend { bundle: bundle([&old]), certificate: served.clone(), reason: Reason::Damaged };
            assert_eq!(world.step(), mended);
            assert_eq!(world.after().pair, Some(served.clone()));
        }
    }
    let empty = Kept::read(&Secret::default());
    let world = World::new(Some(empty), None);
    assert_eq!(world.step(), new_ca(Bundle::default(), None, Reason::Damaged));
}

#[test]
fn a_key_that_belongs_to_another_ca_is_no_key() {
    let (ours, other) = (ca(begin()), ca(begin()));
    let kept = Kept::read(&secret([&ours], &other, &pair(&ours, begin())));
    let pair = kept.pair.clone();
    let world = World::new(Some(kept), Some(bundle([&ours])));
    assert_eq!(world.step(), new_ca(bundle([&ours]), pair.as_ref(), Reason::Damaged));
}

#[test]
fn a_certificate_that_lacks_a_name_is_made_anew() {
    let ca = ca(begin());
    let mut world = World::new(Some(kept([&ca], &pair(&ca, begin()))), Some(bundle([&ca])));
    world.names.push("gate.example.com".to_owned());
    assert_eq!(world.step(), Step::NewCertificate { reason: Reason::Names });
    assert!(world.after().pair.unwrap().covers(&world.names));
}

#[test]
fn when_everything_has_expired_everything_begins_anew() {
    let ca = ca(begin());
    let served = pair(&ca, begin());
    let mut world = World::new(Some(kept([&ca], &served)), Some(bundle([&ca])));
    world.now = days(731);
    assert_eq!(world.step(), new_ca(Bundle::default(), None, Reason::Expired));
    // Only the certificate.
    world.now = days(91);
    assert_eq!(world.step(), Step::NewCertificate { reason: Reason::Expired });
}

#[test]
fn a_certificate_does_not_outlive_its_ca() {
    let ca = ca(begin());
    let late = pair(&ca, days(700));
    assert!(late.is_valid_at(days(729)) && !late.is_valid_at(days(731)));
}

#[test]
fn a_foreign_ca_in_ca_bundle_stays_trusted_when_the_gate_takes_over() {
    let foreign = ca(begin());
    let served = pair(&foreign, begin());
    // A Secret made by hand, as for --tls-cert: a pair, and nothing else.
    let mut by_hand = Secret::default();
    let data = [("tls.crt", &served.certificate), ("tls.key", &served.key)];
    let data = data.map(|(key, value)| (key.to_owned(), k8s_openapi::ByteString(value.clone())));
    by_hand.data = Some(data.into());
    let world = World::new(Some(Kept::read(&by_hand)), Some(bundle([&foreign])));
    assert_eq!(world.step(), new_ca(bundle([&foreign]), Some(&served), Reason::Damaged));
}

#[test]
fn a_foreign_ca_in_ca_bundle_is_not_taken_in_while_all_is_good() {
    let (ours, foreign) = (ca(begin()), ca(begin()));
    let kept = kept([&ours], &pair(&ours, begin()));
    let world = World::new(Some(kept), Some(bundle([&foreign])));
    assert_eq!(world.step(), Step::Rest);
}

#[test]
fn an_old_ca_that_was_taken_out_too_early_comes_back() {
    let (new, old) = (ca(begin()), ca(begin()));
    let served = pair(&old, begin());
    let kept = kept([&new], &served);
    let mut world = World::new(Some(kept), Some(bundle([&new, &old])));
    world.settled = false;
    let joined = Step::Mend { bundle: bundle([&new, &old]), certificate: served, reason: Reason::Damaged };
    assert_eq!(world.step(), joined);
    world.settled = true;
    assert_eq!(world.step(), Step::NewCertificate { reason: Reason::Damaged });
}

#[test]
fn an_operator_is_obeyed_once() {
    let ca = ca(begin());
    let served = pair(&ca, begin());
    let cases = [
        (Rotate::Ca, new_ca(bundle([&ca]), Some(&served), Reason::Asked)),
        (Rotate::Certificate, Step::NewCertificate { reason: Reason::Asked }),
    ];
    for (rotate, expected) in cases {
        let kept = asked(kept([&ca], &served), rotate);
        let world = World::new(Some(kept), Some(bundle([&ca])));
        assert_eq!(world.step(), expected);
        let content = world.step().content(&world.seen(), LIVES).unwrap().unwrap();
        let mut there = Secret::default();
        let annotations = [(ROTATE.to_owned(), "ca".to_owned()), ("kept".to_owned(), "yes".to_owned())];
        there.metadata.annotations = Some(annotations.into());
        let written = content.written_to(Some(&there), "tls").metadata.annotations.unwrap();
        assert_eq!(written.keys().collect::<Vec<_>>(), ["kept"]);
    }
}

#[test]
fn a_certificate_asked_for_while_a_ca_is_on_its_way_is_not_forgotten() {
    let (new, old) = (ca(begin()), ca(begin()));
    let kept = asked(kept([&new, &old], &pair(&old, begin())), Rotate::Certificate);
    let mut world = World::new(Some(kept), Some(bundle([&new, &old])));
    world.settled = false;
    assert_eq!(world.step(), Step::Rest);
    world.settled = true;
    assert_eq!(world.step(), Step::NewCertificate { reason: Reason::NewCa });
    assert!(world.step().content(&world.seen(), LIVES).unwrap().unwrap().honours);
}

#[test]
fn an_expired_ca_leaves_the_bundle() {
    let (new, old) = (ca(days(700)), ca(begin()));
    let mut world = World::new(Some(kept([&new, &old], &pair(&new, days(731)))), Some(bundle([&new, &old])));
    world.now = days(731);
    let Step::Mend { bundle: tidied, reason, .. } = world.step() else { panic!() };
    assert_eq!((tidied, reason), (bundle([&new]), Reason::Tidied));
}

#[test]
fn a_bundle_stays_small_and_never_loses_the_issuer_of_what_is_served() {
    let cas: Vec<_> = (0..MOST + 4).map(|_| ca(begin())).collect();
    let oldest = cas.last().unwrap();
    let served = pair(oldest, begin());
    let all = Bundle::default().joined_by(cas.iter().map(|ca| ca.certificate().clone()));
    let mut world = World::new(None, Some(all));
    world.held = Some(served.clone());
    let after = world.after();
    assert_eq!(after.bundle.len(), MOST);
    assert!(after.bundle.contains(oldest.certificate()));
    validate(&served.certificate, &after.bundle, HOST, world.now).unwrap();
}

#[test]
fn a_secret_of_cert_manager_is_left_alone() {
    let mut secret = Secret::default();
    let mark = ("cert-manager.io/certificate-name".to_owned(), "soc2gate".to_owned());
    secret.metadata.annotations = Some([mark].into());
    let world = World::new(Some(Kept::read(&secret)), None);
    assert_eq!(world.step(), Step::Rest);
}

#[test]
fn a_replica_serves_what_callers_accept_and_no_sooner() {
    let (new, old) = (ca(begin()), ca(begin()));
    let (before, after) = (pair(&old, begin()), pair(&new, begin()));
    let both = || kept([&new, &old], &after);
    // (what callers trust, whether they had time to learn of it, what is served already, whether it changes)
    let cases = [
        (Some(bundle([&old])), false, Some(&before), false),
        (Some(bundle([&new, &old])), false, Some(&before), false),
        (Some(bundle([&new, &old])), true, Some(&before), true),
        (Some(bundle([&new])), false, Some(&before), true),
        (Some(Bundle::default()), false, Some(&before), true),
        (Some(bundle([&old])), false, None, true),
        (None, true, Some(&before), true),
        (Some(bundle([&new, &old])), false, Some(&after), false),
    ];
    for (at, (live, settled, held, changes)) in cases.into_iter().enumerate() {
        let mut world = World::new(Some(both()), live);
        (world.settled, world.held) = (settled, held.cloned());
        assert_eq!(world.seen().next_to_serve(), changes.then_some(&after), "case {at}");
    }
}

#[test]
fn a_renewed_certificate_of_the_same_ca_is_served_at_once() {
    let ca = ca(begin());
    let mut world = World::new(Some(kept([&ca], &pair(&ca, begin()))), Some(bundle([&ca])));
    (world.held, world.settled) = (Some(pair(&ca, begin())), false);
    assert!(world.seen().next_to_serve().is_some());
}
