//! Fields that nobody knows, beside a signature or inside what is signed, change nothing.

use proptest::prelude::*;

use super::{
    super::formats::{anything, insert},
    *,
};
use crate::sigstore::{Flaw, Fulcio};

const ISSUER: &str = "https://token.example.com";
const SUBJECT: &str = "https://git.example.com/shop/release.yml@refs/heads/main";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_bundle_says_the_same_whatever_else_stands_in_it_and_in_its_statement(
        fields in prop::collection::vec((any::<prop::sample::Index>(), "[xX]-[a-zA-Z]{1,12}", anything()), 1..5),
        within in any::<bool>(),
    ) {
        let with_more = |document: &Value| {
            let mut document = document.clone();
            for (at, name, value) in &fields {
                let field = (name.clone(), value.clone());
                let objects = insert(&mut document.clone(), usize::MAX, &field);
                insert(&mut document, at.index(objects), &field);
            }
            document
        };
        let (key, fulcio) = (Key::make(), Fulcio::make());
        let identity = fulcio.identity(ISSUER, SUBJECT, Flaw::None);
        let predicate = json!({
            "buildDefinition": {"resolvedDependencies": [{"uri": "git+https://git.example.com/shop/web"}]},
            "runDetails": {"builder": {"id": "https://builder.example.com"}},
        });
        let statement = sigstore::statement(REPOSITORY, &digest('a'), "https://slsa.dev/provenance/v1", predicate);
        let mut signed = if within { with_more(&statement) } else { statement };
        // A set of digests holds texts alone, says in-toto.
        signed["subject"][0]["digest"].as_object_mut().unwrap().retain(|_, value| value.is_string());
        let verifier = verifier(&[&key], &[fulcio.trusted_root()]);
        for bundle in [key.bundle(&signed), identity.bundle(&signed)] {
            let bundle: Value = serde_json::from_str(&bundle).unwrap();
            let read = |bundle: &Value| verify(&verifier, &bundled(&bundle.to_string())).0;
            let (as_written, with_more) = (read(&bundle), read(&with_more(&bundle)));
            prop_assert_eq!(as_written.attestations.len(), 1, "{:?}", as_written);
            prop_assert_eq!(as_written, with_more, "{}", bundle);
        }
    }
}
