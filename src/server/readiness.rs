//! What `/readyz` says: whether to send us reviews, and in what state we are.

use serde::Serialize;

/// Everything that readiness depends on.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    pub conditions: Vec<Condition>,
}

/// One thing that readiness depends on.
#[derive(Clone, Debug, Serialize)]
pub struct Condition {
    pub name: &'static str,
    pub state: State,
    /// For a person: what is so, and what to do about it.
    pub detail: String,
}

/// From the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Met,
    /// Somebody should look, yet reviews are answered: a bad policy file, for instance.
    Degraded,
    /// Reviews should go elsewhere.
    Unmet,
}

impl Condition {
    pub fn new(name: &'static str, state: State, detail: impl Into<String>) -> Self {
        Self { name, state, detail: detail.into() }
    }

    /// Both in one: as bad as the worse, and with the words of both.
    pub(super) fn and(self, other: Self) -> Self {
        let detail = format!("{}; {}", self.detail, other.detail);
        Self { name: self.name, state: self.state.max(other.state), detail }
    }
}

impl Readiness {
    pub fn ready(&self) -> bool {
        self.conditions.iter().all(|condition| condition.state != State::Unmet)
    }

    /// For programs and for `?verbose`.
    pub(super) fn json(&self) -> String {
        let detail = serde_json::json!({"ready": self.ready(), "conditions": self.conditions});
        format!("{detail}\n")
    }

    /// One line for a probe's log.
    pub(super) fn line(&self) -> String {
        let unmet = self.conditions.iter().filter(|condition| condition.state == State::Unmet);
        let unmet: Vec<_> =
            unmet.map(|condition| format!("{}: {}", condition.name, condition.detail)).collect();
        if unmet.is_empty() { "ready\n".to_owned() } else { format!("not ready: {}\n", unmet.join("; ")) }
    }
}
