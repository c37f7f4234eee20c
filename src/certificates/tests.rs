//! Certificates made on the spot, and files that change.

use std::os::unix::fs::PermissionsExt;
use std::thread;

use super::*;

fn made(state: &Path, names: &[&str]) -> Store {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Store::new(Source::Made { state: state.to_owned(), names }, None)
}

fn certificate(store: &mut Store) -> Vec<u8> {
    store.news().unwrap().unwrap().certificate
}

#[test]
fn makes_a_certificate_for_this_machine_and_the_service() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("certs/dev");
    let pem = certificate(&mut made(&state, &["gate.example.com", "10.0.0.7", "0:0::7"]));
    let names = facts::facts(&pem).unwrap().names;
    let more = ["gate.example.com", "10.0.0.7", "::7"];
    for name in OWN_NAMES.iter().chain(&more) {
        assert!(names.iter().any(|found| found == name), "{name} is missing in {names:?}");
    }
}

#[test]
fn keys_are_readable_by_their_owner_only() {
    let place = tempfile::tempdir().unwrap();
    made(place.path(), &[]).news().unwrap();
    for name in ["ca.key", "tls.key"] {
        let mode = fs::metadata(place.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn the_next_start_uses_the_same_certificate() {
    let place = tempfile::tempdir().unwrap();
    let first = certificate(&mut made(place.path(), &[]));
    assert_eq!(first, certificate(&mut made(place.path(), &[])));
}

#[test]
fn a_new_name_makes_a_new_certificate_under_the_same_ca() {
    let place = tempfile::tempdir().unwrap();
    let first = certificate(&mut made(place.path(), &[]));
    let ca = fs::read(place.path().join(on_disk::CA)).unwrap();
    assert_ne!(first, certificate(&mut made(place.path(), &["other.example.com"])));
    assert_eq!(ca, fs::read(place.path().join(on_disk::CA)).unwrap());
}

#[test]
fn a_damaged_key_or_a_foreign_ca_is_replaced() {
    let place = tempfile::tempdir().unwrap();
    let first = certificate(&mut made(place.path(), &[]));
    fs::write(place.path().join("tls.key"), "not a key").unwrap();
    let second = certificate(&mut made(place.path(), &[]));
    assert_ne!(first, second);
    let elsewhere = tempfile::tempdir().unwrap();
    made(elsewhere.path(), &[]).news().unwrap();
    for name in ["ca.crt", "ca.key"] {
        fs::copy(elsewhere.path().join(name), place.path().join(name)).unwrap();
    }
    assert_ne!(second, certificate(&mut made(place.path(), &[])));
}

#[test]
fn two_programs_that_start_at_once_agree_on_the_certificate() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path();
    let certificates: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| certificate(&mut made(state, &[])))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(certificates.iter().all(|one| Some(one) == certificates.first()));
}

#[test]
fn a_made_certificate_lives_a_year() {
    let place = tempfile::tempdir().unwrap();
    let pem = certificate(&mut made(place.path(), &[]));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let days = (expiry(&pem).unwrap() - i64::try_from(now).unwrap()) / 86_400;
    assert!((363..=365).contains(&days), "{days}");
}

#[test]
fn a_directory_that_cannot_be_written_says_which_flag_to_set() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    let error = made(&file.join("below"), &[]).news().err().unwrap().to_string();
    assert!(error.contains("--state") && error.contains("--tls-cert"), "{error}");
}

#[test]
fn a_name_that_is_none_says_which_flag_to_correct() {
    let place = tempfile::tempdir().unwrap();
    let error = made(place.path(), &["gäte"]).news().err().unwrap().to_string();
    assert!(error.contains("--tls-san") && error.contains("gäte"), "{error}");
}

#[test]
fn files_are_handed_out_once_per_content() {
    let place = tempfile::tempdir().unwrap();
    let (certificate, key) = (place.path().join("tls.crt"), place.path().join("tls.key"));
    fs::write(&certificate, "1").unwrap();
    fs::write(&key, "2").unwrap();
    let mut store = Store::new(Source::Files { certificate: certificate.clone(), key }, None);
    assert!(store.news().unwrap().is_some());
    assert!(store.news().unwrap().is_none());
    fs::write(&certificate, "3").unwrap();
    assert_eq!(store.news().unwrap().unwrap().certificate, b"3");
}

#[test]
fn a_missing_file_is_named() {
    let place = tempfile::tempdir().unwrap();
    let key = place.path().join("tls.key");
    let mut store = Store::new(Source::Files { certificate: place.path().join("tls.crt"), key }, None);
    let error = store.news().err().unwrap().to_string();
    assert!(error.contains("tls.crt"), "{error}");
}

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_directory_renews_at_two_thirds_of_a_life() {
    let place = tempfile::tempdir().unwrap();
    let long_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 250);
    let ca = Authority::make("soc2gate development CA", Lives::ON_DISK, long_ago).unwrap();
    let names = OWN_NAMES.map(str::to_owned);
    let old = ca.issue(&names, Lives::ON_DISK, long_ago).unwrap();
    let bundle = Bundle::from(ca.certificate().clone()).pem();
    let parts = [
        ("ca.crt", bundle.as_bytes()),
        ("ca.key", ca.key().as_bytes()),
        ("tls.crt", &old.certificate),
        ("tls.key", &old.key),
    ]
    .map(|(name, content)| (name, content.to_vec()));
    for (name, content) in &parts {
        fs::write(place.path().join(name), content).unwrap();
    }
    assert_ne!(certificate(&mut made(place.path(), &[])), old.certificate);
    assert_eq!(fs::read_to_string(place.path().join("ca.crt")).unwrap(), bundle);
}

#[test]
fn a_certificate_that_is_trusted_itself_is_accepted_as_by_the_api_server() {
    let params = rcgen::CertificateParams::new(vec!["gate.example.com".to_owned(), "10.0.0.7".to_owned()]);
    let mut params = params.unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_before = std::time::SystemTime::from(at("2026-01-01T00:00:00Z")).into();
    params.not_after = std::time::SystemTime::from(at("2027-01-01T00:00:00Z")).into();
    let pem = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem().into_bytes();
    let trusted = Bundle::read(&pem);
    let cases = [
        ("gate.example.com", "2026-06-01T00:00:00Z", true),
        ("10.0.0.7", "2026-06-01T00:00:00Z", true),
        ("other.example.com", "2026-06-01T00:00:00Z", false),
        ("gate.example.com", "2027-06-01T00:00:00Z", false),
    ];
    for (host, now, accepted) in cases {
        assert_eq!(validate(&pem, &trusted, host, at(now)).is_ok(), accepted, "{host} at {now}");
    }
}

#[test]
fn a_bundle_reads_what_can_be_read_and_writes_it_back() {
    let ca = |name| Authority::make(name, Lives::IN_SECRET, jiff::Timestamp::now()).unwrap();
    let (one, two) = (ca("one"), ca("two"));
    let both = Bundle::from(one.certificate().clone()).joined_by([two.certificate().clone()]);
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let text = format!("# ours\n{broken}{}{broken}{}", both.pem(), both.pem());
    assert_eq!(Bundle::read(text.as_bytes()), both);
    assert!(Bundle::read(b"nothing").is_empty());
}
