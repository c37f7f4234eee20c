//! What reading a text promises, through its one door.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::*;

/// The documents of a text as JSON.
fn read(text: &str) -> Vec<serde_json::Value> {
    let documents = parse("t", text).unwrap_or_else(|error| panic!("{text}: {error}"));
    documents.iter().map(|document| serde_json::to_value(&document.root).unwrap()).collect()
}

/// The refusal of a text, as a person sees it.
fn refusal(text: &str) -> String {
    match parse("t", text) {
        Ok(documents) => panic!("{text}: accepted as {documents:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn truth_is_what_kubernetes_takes_for_truth() {
    for spelling in ["yes", "on", "y", "True", "! \"true\"", "! 'yes'", "!!bool \"on\"", "&a yes"] {
        assert_eq!(read(&format!("privileged: {spelling}")), [json!({"privileged": true})], "{spelling}");
    }
    for spelling in ["\"yes\"", "'true'", "!!str true", "|-\n  yes", "yes please", "!!str yes"] {
        let text = read(&format!("privileged: {spelling}"));
        assert!(text[0]["privileged"].is_string(), "{spelling}: {text:?}");
    }
}

#[test]
fn documents_are_split_and_empty_ones_dropped() {
    for (text, documents) in [
        ("", vec![]),
        ("# nothing\n---\n---\nnull\n...\n", vec![]),
        ("a: 1\n---\nb: 2\n---\n# end\n", vec![json!({"a": 1}), json!({"b": 2})]),
        ("\u{feff}a: 1\r\nb: 2\r\n", vec![json!({"a": 1, "b": 2})]),
        ("{\"a\": 1} {\"b\": 2}\n[3]", vec![json!({"a": 1}), json!({"b": 2}), json!([3])]),
        ("  {\"a\": \"\\/\\ud83d\\ude00\\u00e9\"}", vec![json!({"a": "/😀é"})]),
        // Flow style begins like JSON and is none.
        ("{a: b, c: [yes]}", vec![json!({"a": "b", "c": [true]})]),
        ("{\"a\": 1}\n---\nb: 2", vec![json!({"a": 1}), json!({"b": 2})]),
    ] {
        assert_eq!(read(text), documents, "{text}");
    }
}

#[test]
fn block_scalars_empty_values_and_keys_are_read_as_kubernetes_reads_them() {
    for (text, document) in [
        ("a: |\n  x\n   y\nb: >-\n  x\n  y\n", json!({"a": "x\n y\n", "b": "x y"})),
        ("a: |\n  x", json!({"a": "x"})),
        ("a:\nb: !!str\nc: []\n", json!({"a": null, "b": "", "c": []})),
        ("on: 1\n0x10: 2\n1.5: 3\n'~': 4\n", json!({"true": 1, "16": 2, "1.5": 3, "~": 4})),
        ("!!map {a: !!seq [!!int \"1\"]}", json!({"a": [1]})),
        ("\"<<\": {a: 1}", json!({"<<": {"a": 1}})),
    ] {
        assert_eq!(read(text), [document], "{text}");
    }
}

#[test]
fn aliases_and_merge_keys_are_resolved() {
    for (text, document) in [
        ("a: &x {k: [1]}\nb: *x\n", json!({"a": {"k": [1]}, "b": {"k": [1]}})),
        ("&k a: 1\nb: *k\n*k : 2\n", json!("refused")),
        ("a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  k: 3\n", json!({"a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}})),
        ("b:\n  <<: [{k: 1}, {k: 2, l: 3}]\n", json!({"b": {"k": 1, "l": 3}})),
    ] {
        if document == "refused" {
            assert!(refusal(text).contains("`a` was already given at 1:4"), "{}", refusal(text));
        } else {
            assert_eq!(read(text), [document], "{text}");
        }
    }
}

#[test]
fn what_readers_disagree_on_is_refused_at_its_place() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", "t:3:1: key `a` was already given at 1:1: keep one of the two"),
        ("{\"a\": 1,\n \"a\": 2}", "t:2:2: key `a` was already given at 1:2: keep one of the two"),
        ("on: 1\ntrue: 2", "t:2:1: key `true` was already given at 1:1: keep one of the two"),
        ("1: 1\n\"1\": 2", "t:2:1: key `1` was already given at 1:1: keep one of the two"),
        (
            "a: 1\n<<: {a: 2}",
            "t:2:1: `<<` brings `a`, which is given above it: move `<<` to the top of the map",
        ),
        ("<<: {a: 2}\n<<: {b: 2}", "t:2:1: key `<<` was already given at 1:1: keep one of the two"),
        ("a:\n  <<: text", "t:2:7: `<<` takes a map or a list of maps: give it the alias of a map"),
        ("a: !secret x", "t:1:12: tag `!secret` is not known or does not fit here: remove it"),
        ("!!set {a}", "t:1:7: tag `!!set` is not known or does not fit here: remove it"),
        ("a: !!binary aGk=", "t:1:13: `!!binary` is not read: write the base64 text without the tag"),
        ("a: .inf", "t:1:4: `.inf` is no number that JSON knows: put it in quotes"),
        ("~: 1", "t:1:1: a key is missing: write one, or put an empty key in quotes"),
        ("a: &x [*x]", "t:1:8: the alias stands inside its own anchor: write the value out"),
        ("a: *x", "t:1:4: the alias has no anchor above it: define it or quote the text"),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn broken_text_is_refused_at_its_place_with_what_to_mend() {
    for (text, expected) in [
        ("a: b: c", "t:1:5: a `key: value` cannot stand here"),
        ("a:\n\tb: 1", "t:2:2: a tab is used for indentation"),
        ("a: {{ .Values.x }}", "t:1:5: a list or map cannot be a key: render a template first"),
        ("a: [1, 2", "t:1:4: `[` is not closed"),
        ("a: \"x", "t:1:4: the quoted text is not closed"),
        ("a: @b", "t:1:4: a text cannot begin with `@`"),
        ("{\"a\": 01}", "t:1:7: this is no JSON number"),
        ("{\"a\": tru}{", "t:1:7: no JSON value begins here"),
        ("{\"a\": \"\\ud800\"}", "t:1:8: half a surrogate pair"),
        ("{\"é\": [1, 2}", "t:1:12: a `,` or `]` is expected"),
        ("{\"a\": 1e999}", "t:1:7: the number is too large"),
        ("{\"a\": \"x", "t:1:7: the string is not closed"),
        ("[1", "t:1:3: a `,` or `]` is expected"),
    ] {
        assert!(refusal(text).starts_with(expected), "{text}: {}", refusal(text));
    }
}

#[test]
fn bombs_and_abysses_are_refused_quickly() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let last = level - 1;
        bomb.push_str(&format!("a{level}: &a{level} [*a{last}, *a{last}, *a{last}, *a{last}]\n"));
    }
    assert!(refusal(&bomb).contains("aliases copy too much"), "{}", refusal(&bomb));
    let mut ladder = "a0: &a0 []\n".to_owned();
    for level in 1..200 {
        ladder.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(refusal(&ladder).contains("nested deeper than 128"), "{}", refusal(&ladder));
    for depth in [129, 200_000] {
        let closed = format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
        for text in ["[".repeat(depth), "{\"a\":".repeat(depth), closed] {
            assert!(refusal(&text).contains("nested deeper than 128"), "{}", refusal(&text));
        }
        let block: String = (0..depth.min(1000)).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
        assert!(refusal(&block).contains("nested deeper than 128"), "{}", refusal(&block));
    }
    let deepest = format!("{}{}", "[".repeat(128), "]".repeat(128));
    assert_eq!(read(&deepest).len(), 1);
    assert_eq!(read(&format!("- {}{}", "[".repeat(127), "]".repeat(127))).len(), 1);
}

#[test]
fn a_thousand_keys_are_checked_for_duplicates_too() {
    let mut text: String = (0..1000).map(|n| format!("k{n}: {n}\n")).collect();
    assert_eq!(read(&text)[0].as_object().unwrap().len(), 1000);
    text.push_str("k7: again\n");
    assert!(refusal(&text).starts_with("t:1001:1: key `k7` was already given at 8:1"), "{}", refusal(&text));
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Check<'a> {
    id: &'a str,
    #[serde(default)]
    mode: Mode,
    run_as_user: Option<i64>,
    #[serde(default)]
    labels: BTreeMap<Mode, Vec<u8>>,
    pair: Option<(u8, u8)>,
    shape: Option<Shape>,
}

#[derive(Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Audit,
    Enforce,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Dot,
    Circle(f64),
    Box { side: u8 },
}

#[test]
fn a_document_decodes_into_a_type_that_borrows_its_text() {
    let text =
        "id: a\nmode: enforce\nrunAsUser: 0.0\nlabels: {audit: [1]}\npair: [1, 2]\nshape: {box: {side: 2}}";
    let documents = parse("t", text).unwrap();
    let check: Check<'_> = documents[0].decode().unwrap();
    let labels = BTreeMap::from([(Mode::Audit, vec![1])]);
    let shape = Some(Shape::Box { side: 2 });
    let expected =
        Check { id: "a", mode: Mode::Enforce, run_as_user: Some(0), labels, pair: Some((1, 2)), shape };
    assert_eq!(check, expected);
    for (shape, expected) in
        [("dot", Shape::Dot), ("{circle: 2}", Shape::Circle(2.0)), ("{dot: }", Shape::Dot)]
    {
        let documents = parse("t", &format!("id: a\nshape: {shape}")).unwrap();
        assert_eq!(documents[0].decode::<Check<'_>>().unwrap().shape, Some(expected));
    }
}

#[test]
fn a_misfit_is_refused_at_its_place_with_the_fix() {
    const FIELDS: &str = "`id`, `mode`, `runAsUser`, `labels`, `pair`, `shape`";
    for (text, expected) in [
        ("id: a\nmdoe: warn", format!("t:2:1: unknown field `mdoe`: did you mean `mode`? known: {FIELDS}")),
        ("id: a\nzzzzzz: 1", format!("t:2:1: unknown field `zzzzzz`: known: {FIELDS}")),
        (
            "id: a\nmode: enforced",
            "t:2:7: unknown value `enforced`: did you mean `enforce`? known: `audit`, `enforce`".into(),
        ),
        ("id: a\nmode: 1", "t:2:7: expected one of `audit`, `enforce`, found a number".into()),
        ("id: a\nmode: {a: 1, b: 2}", "t:2:7: expected one key of `audit`, `enforce`".into()),
        ("# x\nmode: audit", "t:2:1: field `id` is missing: add it".into()),
        ("id: 5", "t:1:5: expected a string, found a number: put it in quotes".into()),
        ("id: no", "t:1:5: expected a string, found a boolean: put it in quotes".into()),
        ("id:\n", "t:1:3: expected a string, found nothing".into()),
        ("id: a\nrunAsUser: hunter2", "t:2:12: expected an integer (i64), found a string".into()),
        ("id: a\nrunAsUser: 1.5", "t:2:12: expected an integer (i64), found a number".into()),
        (
            "id: a\nlabels:\n  audit: [1,\n    300]",
            "t:4:5: expected an integer (u8), found another value (a number)".into(),
        ),
        (
            "id: a\nlabels:\n  auditt: []",
            "t:3:3: unknown value `auditt`: did you mean `audit`? known: `audit`, `enforce`".into(),
        ),
        ("id: a\npair: [1, 2, 3]", "t:2:14: the list ends before this entry: remove it".into()),
        ("- a", "t:1:1: expected a map, found a list".into()),
        ("a", "t:1:1: expected a map, found a string".into()),
    ] {
        let documents = parse("t", text).unwrap();
        let error = documents[0].decode::<Check<'_>>().unwrap_err().to_string();
        assert!(error.starts_with(&expected), "{text}\n  {error}\n  {expected}");
    }
}

#[test]
fn a_refusal_without_a_line_prints_without_one() {
    let error = Unusable { file: "x".into(), line: 0, column: 0, message: "gone".into() };
    assert_eq!(error.to_string(), "x: gone");
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        proptest::num::f64::NORMAL.prop_map(Into::into),
        ".*".prop_map(Into::into),
        "[yYnNoOtT~.0-9_xe+-]{0,5}".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map(".*", inner, 0..8)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_comes_back_unchanged(value in any_json()) {
        let wrapped = json!({"value": value});
        for text in [wrapped.to_string(), serde_json::to_string_pretty(&wrapped).unwrap()] {
            prop_assert_eq!(read(&text), vec![wrapped.clone()]);
            let written = parse("t", &text).unwrap()[0].to_json_text();
            prop_assert_eq!(read(&written), vec![wrapped.clone()]);
        }
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place(text in "[-a-c:{}\\[\\],&*!|>'\"#%\n \t~<0-9]{0,60}") {
        match parse("t", &text) {
            Ok(documents) => documents.iter().for_each(|document| {
                let _place = document.place("a.b[0]");
                let _json = document.to_json_text();
            }),
            Err(error) => prop_assert!(error.line >= 1 && error.column >= 1, "{}", error),
        }
    }
}
