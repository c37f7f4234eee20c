//! What is handed over when, and what is said of what is not known.

use super::*;
use crate::{inventory::Inventory, object::Kind};

const NAMESPACES: Feed = Feed::Kind(Kind::Namespace);
const DEPLOYMENTS: Feed = Feed::Kind(Kind::Deployment);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn raw(json: &str) -> Raw {
    serde_json::from_str(json).unwrap()
}

/// Every feed but these is known to be served by nobody.
fn state(followed: &[Feed]) -> State {
    let mut state = State::default();
    Feed::all().filter(|feed| !followed.contains(feed)).for_each(|feed| state.is_not_served(feed));
    followed.iter().for_each(|feed| state.begins(*feed));
    state
}

/// What is handed over now, if anything is.
fn handed_over(state: &mut State, second: i64) -> Option<Inventory> {
    let handed = Arc::new(Mutex::new(None));
    let install = {
        let handed = handed.clone();
        move |change: &dyn Fn(&mut Inventory)| {
            let mut known = Inventory::default();
            change(&mut known);
            *handed.lock().unwrap() = Some(known);
        }
    };
    state.hand_over(&Mutex::default(), &install, at(second));
    handed.lock().unwrap().take()
}

#[test]
fn nothing_is_handed_over_before_all_of_it_is_known() {
    let mut state = state(&[NAMESPACES]);
    state.take(NAMESPACES, &News::Is(&raw(r#"{"metadata":{"name":"shop"}}"#)), None, at(0));
    assert!(handed_over(&mut state, 0).is_none());
    assert_eq!(state.standing(at(0)), Standing::Beginning("not known yet: namespaces".to_owned()));
    state.take(NAMESPACES, &News::Whole, None, at(1));
    let inventory = handed_over(&mut state, 1).unwrap();
    assert!(inventory.namespaces.ready().unwrap().contains_key("shop"));
    assert!(handed_over(&mut state, 2).is_none(), "nothing has changed");
}

#[test]
fn a_lost_watch_leaves_the_last_snapshot_and_its_age() {
    let mut state = state(&[NAMESPACES]);
    state.take(NAMESPACES, &News::Is(&raw(r#"{"metadata":{"name":"shop"}}"#)), None, at(0));
    state.take(NAMESPACES, &News::Whole, None, at(0));
    handed_over(&mut state, 0);
    for second in [10, 20] {
        state.take(NAMESPACES, &News::Lost("connection refused"), None, at(second));
    }
    let inventory = handed_over(&mut state, 24).unwrap();
    assert_eq!(inventory.outdated_since, None, "it may be back in a moment");
    let inventory = handed_over(&mut state, 25).unwrap();
    assert_eq!(inventory.outdated_since, Some(at(10)));
    assert!(inventory.namespaces.ready().unwrap().contains_key("shop"));
    let Standing::Partial(detail) = state.standing(at(30)) else { panic!() };
    assert!(detail.contains("namespaces since 20 s (connection refused)"), "{detail}");
    state.take(NAMESPACES, &News::Whole, None, at(40));
    assert_eq!(handed_over(&mut state, 40).unwrap().outdated_since, None);
}

#[test]
fn what_may_not_be_read_is_unavailable_and_holds_nobody_up() {
    let mut state = state(&[NAMESPACES]);
    state.take(NAMESPACES, &News::Lost("connection refused"), None, at(0));
    assert!(!state.is_synced());
    state.take(NAMESPACES, &News::Forbidden("namespaces is forbidden: User cannot list"), None, at(0));
    let inventory = handed_over(&mut state, 0).unwrap();
    assert!(matches!(&inventory.namespaces, Source::Unavailable(reason) if reason.contains("forbidden")));
    assert!(state.is_synced());
}

#[test]
fn an_owner_is_known_by_its_violations_as_long_as_it_exists() {
    let mut state = state(&[DEPLOYMENTS]);
    let web = raw(r#"{"metadata":{"namespace":"shop","name":"web"}}"#);
    let found: Option<Marks> = Some([7].into());
    state.take(DEPLOYMENTS, &News::Is(&web), found, at(0));
    state.take(DEPLOYMENTS, &News::Whole, None, at(0));
    let of_web = |inventory: Inventory| {
        let own = ("Deployment".to_owned(), "web".to_owned());
        inventory.owners.ready().unwrap().get("shop").and_then(|owners| owners.get(&own)).cloned()
    };
    assert!(of_web(handed_over(&mut state, 0).unwrap()).unwrap().contains(&7));
    state.take(DEPLOYMENTS, &News::Is(&web), Some(Marks::default()), at(1));
    assert_eq!(of_web(handed_over(&mut state, 1).unwrap()), None);
    state.take(DEPLOYMENTS, &News::Gone("shop", "web"), None, at(2));
    assert_eq!(of_web(handed_over(&mut state, 2).unwrap()), None);
}

#[test]
fn a_resource_that_comes_later_makes_nobody_wait() {
    let mut state = state(&[]);
    assert!(handed_over(&mut state, 0).is_some());
    state.begins(NAMESPACES);
    assert!(state.is_synced());
    state.take(NAMESPACES, &News::Is(&raw(r#"{"metadata":{"name":"shop"}}"#)), None, at(1));
    assert!(handed_over(&mut state, 1).unwrap().namespaces.ready().unwrap().contains_key("shop"));
}

#[test]
fn scans_of_images_are_put_in_force_before_anybody_else_can_take_newer_ones() {
    let mut state = state(&[NAMESPACES, Feed::VulnerabilityReports]);
    for feed in [NAMESPACES, Feed::VulnerabilityReports] {
        state.take(feed, &News::Whole, None, at(0));
    }
    let reports = Arc::new(Mutex::new(Reports::default()));
    let installed = Arc::new(Mutex::new(Vec::new()));
    let install = {
        let (reports, installed) = (reports.clone(), installed.clone());
        move |change: &dyn Fn(&mut Inventory)| {
            let mut known = Inventory::default();
            change(&mut known);
            if known.image_evidence.ready().is_some() {
                // Whoever wants to take a snapshot of their own waits until this one is in force.
                installed.lock().unwrap().push(reports.try_lock().is_err());
            }
        }
    };
    state.hand_over(&reports, &install, at(0));
    assert_eq!(*installed.lock().unwrap(), [true]);
}
