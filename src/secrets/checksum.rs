//! The checksums and encodings that providers build into their tokens, so that a guess can be told from a token.

use base64::{Engine as _, engine::general_purpose as base64_forms};

/// 0-9, A-Z, a-z: the digits of the base 62 that GitHub and npm write their checksums in.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The CRC-32 of `body` as six digits of base 62, the tail of GitHub's and npm's tokens.
///
/// GitHub describes it in "Behind GitHub's new authentication token formats" (2021); npm adopted it.
pub(super) fn base62_crc(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.get(rest % 62).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// Whether the last six characters are the [`base62_crc`] of those between the prefix and them.
pub(super) fn has_base62_crc(token: &str) -> bool {
    let Some((_, body)) = token.split_once('_') else { return false };
    let Some((body, tail)) = body.split_at_checked(body.len().saturating_sub(6)) else { return false };
    base62_crc(body) == tail
}

/// The CRC-32 of `body`, least byte first, in hex: the tail of Grafana's service account tokens.
pub(super) fn little_endian_crc(body: &str) -> String {
    crc32fast::hash(body.as_bytes()).to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether what follows the last `_` is the [`little_endian_crc`] of what precedes it, prefix and all.
pub(super) fn has_little_endian_crc(token: &str) -> bool {
    token.rsplit_once('_').is_some_and(|(body, tail)| little_endian_crc(body) == tail)
}

/// Whether an age identity's Bech32 checksum (BIP 173) holds.
pub(super) fn is_bech32(token: &str) -> bool {
    bech32::primitives::decode::CheckedHrpstring::new::<bech32::Bech32>(token).is_ok()
}

/// Base64 in either alphabet, padded or not; bits left over at the end are forgiven.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let form = if text.contains(['-', '_']) { FORGIVING_URL_SAFE } else { FORGIVING };
    form.decode(text).ok()
}

const FORGIVE: base64_forms::GeneralPurposeConfig =
    base64_forms::NO_PAD.with_decode_allow_trailing_bits(true);
const FORGIVING: base64_forms::GeneralPurpose =
    base64_forms::GeneralPurpose::new(&base64::alphabet::STANDARD, FORGIVE);
const FORGIVING_URL_SAFE: base64_forms::GeneralPurpose =
    base64_forms::GeneralPurpose::new(&base64::alphabet::URL_SAFE, FORGIVE);

/// The JSON that a part of a JWT, or of a token that borrows its form, encodes.
pub(super) fn base64_json(text: &str) -> Option<serde_json::Value> {
    serde_json::from_slice(&base64(text)?).ok()
}

/// Whether DER starts like a private key: a sequence that begins with a version number (PKCS#1, PKCS#8, SEC 1).
pub(super) fn is_der_private_key(der: &[u8]) -> bool {
    matches!(der_content(der), Some([0x02, 0x01, 0x00 | 0x01, 0x02 | 0x04 | 0x30, ..]))
}

/// Whether DER starts like a certificate or a public key: a sequence that begins with a sequence.
pub(super) fn is_der_public(der: &[u8]) -> bool {
    matches!(der_content(der), Some([0x30, ..]))
}

/// What the outermost sequence holds, if its length is that of the whole.
fn der_content(der: &[u8]) -> Option<&[u8]> {
    let (content, length) = match der {
        [0x30, 0x82, high, low, content @ ..] => (content, usize::from(*high) * 256 + usize::from(*low)),
        [0x30, 0x81, length, content @ ..] => (content, usize::from(*length)),
        [0x30, length @ 0..=0x7f, content @ ..] => (content, usize::from(*length)),
        _ => return None,
    };
    (content.len() == length && length > 16).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_github_checksum_is_that_of_a_published_revoked_token() {
        // The body of the sample token in the README of the base62-token package.
        assert_eq!(base62_crc("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), "0mLq17");
    }

    #[test]
    fn the_grafana_checksum_is_that_of_the_documented_sample() {
        // Grafana's own test of its token generator.
        assert_eq!(little_endian_crc(concat!("gl", "sa_", "yscW25imSKJIuav8zF37RZmnbiDvB05G")), "fcaaf58a");
    }

    #[test]
    fn reads_base64_of_both_alphabets_with_and_without_padding() {
        for text in ["aGVsbG8/Pz8+", "aGVsbG8_Pz8-"] {
            assert_eq!(base64(text).as_deref(), Some(b"hello???>".as_slice()));
        }
        assert_eq!(base64("aGVsbG8=").as_deref(), Some(b"hello".as_slice()));
        assert_eq!(base64("aGVsbG8").as_deref(), Some(b"hello".as_slice()));
        assert_eq!(base64("not base64!"), None);
    }

    #[test]
    fn tells_a_private_der_key_from_a_public_one() {
        let private = [&[0x30, 0x1d, 0x02, 0x01, 0x00, 0x30][..], &[0; 25]].concat();
        let public = [&[0x30, 0x1d, 0x30, 0x05][..], &[0; 27]].concat();
        assert!(is_der_private_key(&private) && !is_der_public(&private));
        assert!(is_der_public(&public) && !is_der_private_key(&public));
        assert!(!is_der_private_key(b"0") && !is_der_public(b""));
    }
}
