//! One of the replicas leads, whatever befalls the API server between them: never two, and not for long none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use soc2gate::cluster::{Leadership, Term, stand};
use tokio::task::JoinHandle;

use super::fake_api::{Door, FakeApi, Fault};

/// In the proportions of the default, and quicker.
const TERM: Term = Term { holds: Duration::from_secs(3), renew_every: Duration::from_millis(800) };

/// By when another leads, once the leader is gone: its last sign of life may be seen a round late, and so may its end.
const TAKEN_OVER: Duration = Duration::from_millis(3000 + 3 * 800);

/// A replica that runs for leadership through a door of its own.
struct Candidate {
    door: Door,
    leadership: Leadership,
    standing: JoinHandle<()>,
}

impl Candidate {
    fn stand(api: &FakeApi, identity: &str) -> Self {
        let door = api.door();
        let (leadership, standing) = stand(&door.cluster(identity), "soc2gate", TERM);
        Self { door, leadership, standing }
    }
}

/// Looks every millisecond who leads.
struct Watchman {
    is_over: Arc<AtomicBool>,
    looking: thread::JoinHandle<(u32, u32)>,
}

impl Watchman {
    fn over(candidates: &[Candidate]) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let leaderships: Vec<_> = candidates.iter().map(|one| one.leadership.clone()).collect();
        let over = is_over.clone();
        let looking = thread::spawn(move || {
            let (mut looks, mut doubles) = (0, 0);
            while !over.load(Ordering::SeqCst) {
                // Twice, as the first may have lost it while the second was asked.
                let leaders = || leaderships.iter().filter(|one| one.is_ours()).count();
                looks += 1;
                doubles += u32::from(leaders() > 1 && leaders() > 1);
                thread::sleep(Duration::from_millis(1));
            }
            (looks, doubles)
        });
        Self { is_over, looking }
    }

    /// Panics if there ever were two.
    fn ends(self) {
        self.is_over.store(true, Ordering::SeqCst);
        let (looks, doubles) = self.looking.join().unwrap();
        assert!(looks > 100, "{looks}");
        assert_eq!(doubles, 0, "of {looks} looks so many met two leaders");
    }
}

/// Waits until one leads, and tells which.
async fn leader(candidates: &[Candidate], within: Duration) -> usize {
    let begun = Instant::now();
    loop {
        if let Some(leader) = candidates.iter().position(|one| one.leadership.is_ours()) {
            return leader;
        }
        assert!(begun.elapsed() < within, "nobody leads");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn lease(api: &FakeApi) -> Value {
    api.held("coordination.k8s.io", "leases", "soc2gate", "soc2gate")["spec"].clone()
}

fn put_lease(api: &FakeApi, spec: Value) {
    let metadata = json!({"name": "soc2gate", "namespace": "soc2gate"});
    let head = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata});
    let mut lease = head;
    lease["spec"] = spec;
    api.put(&lease);
}

#[tokio::test]
async fn of_several_candidates_exactly_one_leads_and_stays() {
    let api = FakeApi::start();
    let candidates = ["a", "b", "c"].map(|name| Candidate::stand(&api, name));
    let watchman = Watchman::over(&candidates);
    let first = leader(&candidates, TERM.holds).await;
    assert_eq!(lease(&api)["holderIdentity"], ["a", "b", "c"][first]);
    tokio::time::sleep(TERM.holds * 2).await;
    assert!(candidates[first].leadership.is_ours());
    assert_eq!(lease(&api)["leaseTransitions"], 0);
    watchman.ends();
}

#[tokio::test]
async fn another_leads_after_the_leader_was_cut_off_and_not_before_it_has_stopped() {
    let slow = Fault::Delay(TERM.renew_every * 2);
    let faults =
        [Fault::Hang, Fault::LoseAnswer, Fault::Refuse(503), Fault::Refuse(403), Fault::Refuse(429), slow];
    // The other may look at any time between two renewals, and not in step with them.
    let cuts = faults.into_iter().flat_map(|fault| (0..8).map(move |eighths| (fault, eighths)));
    let late = Fault::Delay(Duration::from_millis(220));
    let each = cuts.map(|(fault, eighths)| async move {
        let api = FakeApi::start();
        let first = Candidate::stand(&api, "a");
        first.leadership.clone().gained().await;
        tokio::time::sleep(TERM.renew_every * eighths / 8).await;
        let candidates = [first, Candidate::stand(&api, "b")];
        candidates[1].door.fails_if(move |asked| (asked.verb == "get").then_some(late));
        let watchman = Watchman::over(&candidates);
        tokio::time::sleep(TERM.renew_every * 2).await;
        candidates[0].door.fails(fault);
        let mut second = candidates[1].leadership.clone();
        let taken = tokio::time::timeout(TAKEN_OVER, second.gained()).await;
        taken.unwrap_or_else(|_| panic!("{fault:?}: nobody leads"));
        candidates[0].door.heals();
        tokio::time::sleep(TERM.renew_every * 2).await;
        assert!(second.is_ours(), "{fault:?}: who is back must not take it from who leads");
        assert_eq!(lease(&api)["leaseTransitions"], 1, "{fault:?}");
        watchman.ends();
    });
    futures::future::join_all(each).await;
}

#[tokio::test]
async fn nobody_leads_while_the_api_server_is_away_and_one_does_when_it_is_back() {
    let api = FakeApi::start();
    let candidates = ["a", "b"].map(|name| Candidate::stand(&api, name));
    let watchman = Watchman::over(&candidates);
    let first = leader(&candidates, TERM.holds).await;
    candidates.iter().for_each(|one| one.door.fails(Fault::Hang));
    let mut leadership = candidates[first].leadership.clone();
    tokio::time::timeout(TERM.holds, leadership.lost()).await.unwrap();
    tokio::time::sleep(TERM.renew_every * 2).await;
    assert!(candidates.iter().all(|one| !one.leadership.is_ours()));
    candidates.iter().for_each(|one| one.door.heals());
    leader(&candidates, TAKEN_OVER).await;
    watchman.ends();
}

#[tokio::test]
async fn a_lease_of_somebody_who_is_gone_is_taken_over_by_our_own_clock() {
    // Theirs may be a day late, or a day early.
    let each = ["2001-01-01T00:00:00.000000Z", "2101-01-01T00:00:00.000000Z"].map(|renewed| async move {
        let api = FakeApi::start();
        put_lease(
            &api,
            json!({
                "holderIdentity": "gone", "leaseDurationSeconds": 2, "leaseTransitions": 4,
                "acquireTime": renewed, "renewTime": renewed,
            }),
        );
        let begun = Instant::now();
        let candidates = [Candidate::stand(&api, "a")];
        leader(&candidates, TAKEN_OVER).await;
        assert!(begun.elapsed() > Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(
            (&lease(&api)["holderIdentity"], &lease(&api)["leaseTransitions"]),
            (&json!("a"), &json!(5))
        );
        assert_ne!(lease(&api)["acquireTime"], renewed);
    });
    futures::future::join_all(each).await;
}

#[tokio::test]
async fn a_lease_that_was_given_up_is_taken_at_once() {
    let api = FakeApi::start();
    put_lease(&api, json!({"holderIdentity": "", "leaseDurationSeconds": 1}));
    let candidates = [Candidate::stand(&api, "a")];
    leader(&candidates, TERM.renew_every).await;
}

#[tokio::test]
async fn of_those_who_take_it_at_once_one_wins() {
    for is_there in [false, true] {
        let api = FakeApi::start();
        if is_there {
            put_lease(&api, json!({"holderIdentity": "", "leaseDurationSeconds": 1}));
        }
        // All have read before any has written.
        let names = ["a", "b", "c", "d"];
        let candidates = names.map(|name| {
            let door = api.door();
            door.fails_if(|asked| asked.is_write().then_some(Fault::Delay(Duration::from_millis(300))));
            let (leadership, standing) = stand(&door.cluster(name), "soc2gate", TERM);
            Candidate { door, leadership, standing }
        });
        let watchman = Watchman::over(&candidates);
        let first = leader(&candidates, TERM.holds).await;
        tokio::time::sleep(TERM.renew_every).await;
        assert_eq!(lease(&api)["holderIdentity"], names[first]);
        assert!(candidates[first].leadership.is_ours());
        let verb = if is_there { "update" } else { "create" };
        assert!(api.writes().iter().filter(|asked| asked.verb == verb).count() >= 4);
        watchman.ends();
    }
}

#[tokio::test]
async fn a_lease_that_is_deleted_under_its_leader_makes_no_second_one() {
    for others_turn in [Duration::from_millis(50), TERM.renew_every / 2] {
        let api = FakeApi::start();
        let first = Candidate::stand(&api, "a");
        let mut leadership = first.leadership.clone();
        leadership.gained().await;
        tokio::time::sleep(others_turn).await;
        let candidates = [first, Candidate::stand(&api, "b")];
        let watchman = Watchman::over(&candidates);
        tokio::time::sleep(TERM.renew_every * 2).await;
        for _ in 0..3 {
            // Just before the other looks again.
            tokio::time::sleep(TERM.renew_every - others_turn).await;
            let params = kube::api::DeleteParams::default();
            let client = api.door().client();
            let leases =
                kube::Api::<k8s_openapi::api::coordination::v1::Lease>::namespaced(client, "soc2gate");
            leases.delete("soc2gate", &params).await.unwrap();
            tokio::time::sleep(TERM.renew_every).await;
        }
        assert!(candidates[0].leadership.is_ours());
        watchman.ends();
    }
}

#[tokio::test]
async fn whoever_ends_its_candidacy_leads_no_more() {
    let api = FakeApi::start();
    let candidates = ["a", "b"].map(|name| Candidate::stand(&api, name));
    let watchman = Watchman::over(&candidates);
    let first = leader(&candidates, TERM.holds).await;
    candidates[first].standing.abort();
    let mut leadership = candidates[first].leadership.clone();
    tokio::time::timeout(TERM.renew_every, leadership.lost()).await.unwrap();
    assert!(!leadership.is_ours());
    let mut second = candidates[1 - first].leadership.clone();
    tokio::time::timeout(TAKEN_OVER, second.gained()).await.unwrap();
    watchman.ends();
}
