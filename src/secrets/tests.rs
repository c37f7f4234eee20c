//! Holds every rule to its own examples, and the engine to its promises.

use super::{Certainty, Class, Engine, FingerprintKey, Hit, Sweep, sample::Sampler};

fn scan(name: &str, value: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    Engine::shared().scan(None, Some(name), value, &mut hits);
    hits
}

/// The examples of the class table bring their names along.
fn scan_example(class: Class, value: &str) -> Vec<Hit> {
    match value.split_once('=') {
        Some((name, value)) if matches!(class, Class::Random | Class::Dense) => scan(name, value),
        _ => scan("value", value),
    }
}

#[test]
fn every_rule_finds_its_examples_and_only_those() {
    let mut wrong = Vec::new();
    for rule in Engine::rules() {
        for seed in 0..30 {
            let example = Sampler::new(seed).expand(rule.example);
            if !scan_example(rule.class, &example).iter().any(|hit| hit.rule.id == rule.id) {
                wrong.push(format!("{} misses seed {seed}", rule.id));
            }
            let lookalike = Sampler::new(seed).expand(rule.lookalike);
            for hit in scan_example(rule.class, &lookalike) {
                if hit.rule.id == rule.id || hit.certainty == Certainty::Certain {
                    wrong.push(format!(
                        "{} has a lookalike that is a {} with seed {seed}",
                        rule.id, hit.rule.id
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_hit_holds_or_prints_the_secret() {
    let key = FingerprintKey::new(b"install");
    for rule in Engine::rules() {
        let secret = Sampler::new(11).expand(rule.example);
        let mut hits = Vec::new();
        Engine::shared().scan(Some(&key), Some("API_TOKEN"), &secret, &mut hits);
        for hit in hits {
            let printed = format!("{hit:?} {}", hit.why());
            for window in secret.as_bytes().windows(16).filter(|w| w.iter().all(u8::is_ascii_alphanumeric)) {
                let window = String::from_utf8_lossy(window);
                assert!(!printed.contains(&*window), "{} prints its secret", rule.id);
            }
            assert_eq!(hit.fingerprint.map(|print| print.len()), Some(16));
        }
    }
}

#[test]
fn an_aws_key_id_becomes_certain_beside_its_secret_only() {
    let sweep = |values: &[(&'static str, &str)]| {
        let mut sweep = Sweep::new(Engine::shared(), None);
        for (name, template) in values {
            sweep.read(Some(name), &Sampler::new(5).expand(template), || *name);
        }
        let swept = sweep.finish();
        swept.found.into_iter().map(|found| (found.place, found.hit.certainty)).collect::<Vec<_>>()
    };
    let id = ("AWS_ACCESS_KEY_ID", "AKIA[[base32:16]]");
    let secret = ("AWS_SECRET_ACCESS_KEY", "[[b64:40]]");
    assert_eq!(sweep(&[id]), [(id.0, Certainty::Suspected)]);
    assert_eq!(sweep(&[secret]), [(secret.0, Certainty::Suspected)]);
    assert_eq!(sweep(&[id, secret]), [(id.0, Certainty::Certain), (secret.0, Certainty::Certain)]);
    assert_eq!(sweep(&[secret, ("OTHER", "x"), id]).len(), 2);
}

#[test]
fn a_value_beyond_the_cap_is_read_up_to_it_and_the_rest_counted() {
    let token = Sampler::new(1).expand("ghp_[[crc:30]]");
    let mut hits = Vec::new();
    let value = format!("{token} {}", "é".repeat(40_000));
    let unread = Engine::shared().scan(None, None, &value, &mut hits);
    assert_eq!((hits.len(), unread), (1, value.len() - super::MOST_BYTES + 1));
}

#[test]
fn decoders_nest_twice_and_no_deeper() {
    let token = Sampler::new(2).expand("npm_[[crc:30]]");
    let once = Sampler::new(0).expand(&format!("[[={token}]]"));
    let json = serde_json::json!({ "registry": { "auth": once } }).to_string();
    let twice = Sampler::new(0).expand(&format!("[[={once}pad]]"));
    assert_eq!(scan("A", &once).len(), 1);
    let hits = scan("A", &json);
    assert_eq!(hits.iter().map(|hit| hit.inner.as_deref()).collect::<Vec<_>>(), [Some("auth")]);
    assert!(scan("A", &serde_json::json!({ "a": twice }).to_string()).is_empty());
}

#[test]
fn a_document_says_which_key_holds_the_secret_and_reports_it_once() {
    let token = Sampler::new(3).expand("ghp_[[crc:30]]");
    for (document, key) in [
        (format!("# settings\nA=1\nGITHUB_TOKEN={token}\n"), "GITHUB_TOKEN"),
        (format!("a: 1\nb:\n  token: \"{token}\"\n"), "token"),
        (format!("{{\"a\": [{{\"token\": \"{token}\"}}], \"again\": \"{token}\"}}"), "token"),
        (format!("run --quiet --token={token} now"), "token"),
        (format!("[{{\"name\": \"TOKEN\", \"value\": \"{token}\"}}]"), "TOKEN"),
    ] {
        let hits = scan("config", &document);
        assert_eq!(hits.iter().map(|hit| hit.inner.as_deref()).collect::<Vec<_>>(), [Some(key)], "{key}");
    }
}

proptest::proptest! {
    #[test]
    fn never_panics(name in ".{0,40}", value in "(.|\\n){0,400}") {
        scan(&name, &value);
        let _ = Engine::shared().redact(&value);
    }

    #[test]
    fn never_panics_around_its_own_literals(
        parts in proptest::collection::vec("(ghp_|AKIA|-----BEGIN |PRIVATE KEY-----|://|@|:|eyJ|\\.|=|\\{|\"|\\}|é|password=|Basic |Q~|T3BlbkFJ|\\n|--|[A-Za-z0-9+/]{0,40})", 0..30)
    ) {
        let value = parts.concat();
        scan("SECRET", &value);
        let _ = Engine::shared().redact(&value);
    }
}
