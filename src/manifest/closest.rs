//! Guesses which known word was meant by an unknown one, for "did you mean".

/// The known word nearest to `word`, if so near that it is likely a slip: at most a third of the letters differ,
/// where swapping two neighbours counts as one.
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody mistypes a page; the distance is quadratic in the length.
    if word.len() > 64 {
        return None;
    }
    let near = |candidate: &'a str| {
        let distance = distance(&word.to_lowercase(), &candidate.to_lowercase());
        (distance <= word.chars().count().max(3) / 3).then_some((distance, candidate))
    };
    known.into_iter().filter_map(near).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// The optimal string alignment distance (Damerau–Levenshtein without edits inside a swap).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    for (row, letter) in from.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in to.iter().enumerate() {
            let at = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&last, column) + usize::from(letter != *other))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            let left = column.checked_sub(1);
            if left.and_then(|left| to.get(left)) == Some(&letter) && previous == Some(*other) {
                best = best.min(at(&before, column - 1) + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut last, current);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["mode", "params", "id", "excludeNamespaces"];
        for (word, expected) in [
            ("mdoe", Some("mode")),
            ("Mode", Some("mode")),
            ("param", Some("params")),
            ("excludeNamespace", Some("excludeNamespaces")),
            ("severity", None),
            ("", None),
        ] {
            assert_eq!(closest(word, known), expected, "{word}");
        }
    }
}
