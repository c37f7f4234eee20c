//! Refuses JSON that is nested too deeply, at a price that a healthy request hardly notices.

/// The deepest nesting of a body that is read. Kubernetes' own objects reach about twenty levels.
pub(super) const MAX_DEPTH: usize = 128;

const BLOCK: usize = 64;

/// Whether a body is nested more than [`MAX_DEPTH`] levels.
///
/// Brackets are counted by blocks first, strings included. Only where that count could exceed the limit are strings
/// told apart, byte by byte. Brackets that close inside strings can hide depth from the first count; what is
/// hidden lies in a part that the parser skips without recursion, so it costs nothing but the refusal.
pub(super) fn too_deep(body: &[u8]) -> bool {
    let mut depth = 0_usize;
    for block in body.chunks(BLOCK) {
        // Counting two classes without branches lets the compiler use vector instructions.
        let (mut opened, mut closed) = (0_u8, 0_u8);
        for byte in block {
            // `[` and `{`, and `]` and `}`, differ only in this bit.
            let folded = byte | 0x20;
            opened += u8::from(folded == b'{');
            closed += u8::from(folded == b'}');
        }
        if depth + usize::from(opened) > MAX_DEPTH {
            return too_deep_outside_strings(body);
        }
        depth = (depth + usize::from(opened)).saturating_sub(usize::from(closed));
    }
    false
}

fn too_deep_outside_strings(body: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(inner) = bytes.next() {
                    match inner {
                        b'"' => break,
                        b'\\' => {
                            bytes.next();
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, too_deep};

    fn nested(levels: usize) -> String {
        format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn refuses_one_level_too_many() {
        assert!(!too_deep(nested(MAX_DEPTH).as_bytes()));
        assert!(too_deep(nested(MAX_DEPTH + 1).as_bytes()));
        let objects = "{\"a\":".repeat(MAX_DEPTH + 1);
        assert!(too_deep(objects.as_bytes()));
    }

    #[test]
    fn brackets_in_strings_are_no_depth() {
        let text = format!("{{\"a\":\"{}\\\"{}\"}}", "{".repeat(1000), "[".repeat(1000));
        assert!(!too_deep(text.as_bytes()));
    }
}
