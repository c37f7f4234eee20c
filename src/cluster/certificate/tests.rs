//! What `/readyz` is told about the certificate.

use super::{
    registration::tests::{ours, registration},
    *,
};
use crate::certificates::{Authority, Bundle};

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn looked(live: Live, away: Option<&str>, trouble: Option<&str>) -> Looked {
    let status = Status { live, away: away.map(str::to_owned), trouble: trouble.map(str::to_owned) };
    let service = Service { namespace: "soc2gate".to_owned(), name: "soc2gate".to_owned() };
    Looked {
        wanted: Wanted { registration: "soc2gate".to_owned(), service, secret: None },
        status: Arc::new(ArcSwap::from_pointee(status)),
    }
}

fn there(bundles: &[&str]) -> Live {
    let entries: Vec<_> = bundles.iter().map(|bundle| ours("a.soc2gate.io", bundle)).collect();
    Live::There(registration(&entries), now())
}

/// A CA's bundle and a chain that it signed.
fn signed() -> (String, Vec<u8>) {
    let ca = Authority::make("CA", Lives::IN_SECRET, now()).unwrap();
    let pair = ca.issue(&["soc2gate.soc2gate.svc".to_owned()], Lives::IN_SECRET, now()).unwrap();
    (Bundle::from(ca.certificate().clone()).pem(), pair.certificate)
}

#[test]
fn only_a_certificate_that_every_entry_refuses_sends_reviews_elsewhere() {
    let (good, chain) = signed();
    let (other, _) = signed();
    let cases = [
        (there(&[&good, &good]), "accepted"),
        (there(&[&good, &other]), "doubtful"),
        (there(&[&other, ""]), "refused"),
        (there(&[]), "doubtful"),
        (Live::Absent, "doubtful"),
        (Live::Unknown, "doubtful"),
    ];
    for (live, expected) in cases {
        let judged = looked(live.clone(), None, None).judge(Some(&chain), now());
        let found = match judged {
            Judgement::Accepted(_) => "accepted",
            Judgement::Doubtful(_) => "doubtful",
            Judgement::Refused(_) => "refused",
        };
        assert_eq!(found, expected, "{live:?}: {judged:?}");
    }
}

#[test]
fn while_the_api_server_is_away_the_last_known_state_counts_and_says_so() {
    let (good, chain) = signed();
    let judged = looked(there(&[&good]), Some("the API server does not answer"), None);
    let Judgement::Accepted(words) = judged.judge(Some(&chain), now()) else { panic!() };
    assert!(words.contains("as last seen") && words.contains("does not answer"), "{words}");
}

#[test]
fn what_cannot_be_done_is_told_even_while_all_is_accepted() {
    let (good, chain) = signed();
    let judged = looked(there(&[&good]), None, Some("the Secret tls cannot be written"));
    let Judgement::Doubtful(words) = judged.judge(Some(&chain), now()) else { panic!() };
    assert!(words.contains("cannot be written"), "{words}");
}

#[test]
fn before_there_is_a_certificate_the_reason_is_told() {
    let judged = looked(Live::Unknown, Some("the API server does not answer"), None);
    let Judgement::Refused(words) = judged.judge(None, now()) else { panic!() };
    assert!(words.contains("does not answer"), "{words}");
}
