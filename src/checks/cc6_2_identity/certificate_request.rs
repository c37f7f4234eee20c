//! The groups that a certificate request asks for: in a client certificate every O of the subject is a group.

use base64::{Engine, prelude::BASE64_STANDARD};
use x509_parser::{
    asn1_rs::{Any, FromDer, Tag},
    certification_request::X509CertificationRequest,
};

const BEGIN: &str = "-----BEGIN ";
const LABEL: &str = "CERTIFICATE REQUEST-----";
const END: &str = "-----END ";

/// The O values of a PKCS#10 request in base64 of PEM, as the API carries it. An error is the end of a sentence.
///
/// Stricter than the API server, which skips what stands around the first block: two readers of one text must not
/// come to read different requests.
pub(super) fn groups(request: &str) -> Result<Vec<String>, &'static str> {
    let bytes = decode(request).ok_or("is not in base64")?;
    let text = String::from_utf8(bytes).map_err(|_| "does not hold PEM")?;
    let mut blocks = text.split(BEGIN).skip(1);
    let (Some(block), None) = (blocks.next(), blocks.next()) else {
        return Err("does not hold one PEM block");
    };
    let body = block.strip_prefix(LABEL).and_then(|rest| rest.split_once(END));
    let Some((body, _)) = body.filter(|(_, after)| after.starts_with(LABEL)) else {
        return Err("does not hold a CERTIFICATE REQUEST in PEM");
    };
    let der = decode(body).ok_or("holds PEM that is not in base64")?;
    match X509CertificationRequest::from_der(&der) {
        Ok(([], request)) => {
            let subject = &request.certification_request_info.subject;
            subject.iter_organization().map(|name| text_of(name.attr_value())).collect()
        }
        _ => Err("is no certificate request (PKCS#10)"),
    }
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    let joined: String = base64.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(joined).ok().filter(|bytes| !bytes.is_empty())
}

/// A string of any of ASN.1's types, without the NUL that some software ends it with and Go cuts off.
fn text_of(value: &Any<'_>) -> Result<String, &'static str> {
    const UNREADABLE: &str = "asks for an organization that is no text";
    let bytes = value.data;
    let text = match value.tag() {
        Tag::BmpString => {
            let units = bytes.chunks(2).map(|pair| big_endian(pair).try_into().unwrap_or(u16::MAX));
            char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_| UNREADABLE)?
        }
        Tag::UniversalString => {
            let characters = bytes.chunks(4).map(|four| char::from_u32(big_endian(four)));
            characters.collect::<Option<String>>().ok_or(UNREADABLE)?
        }
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::TeletexString
        | Tag::NumericString
        | Tag::VisibleString
        | Tag::GeneralString => String::from_utf8_lossy(bytes).into_owned(),
        _ => return Err(UNREADABLE),
    };
    Ok(text.trim_end_matches('\0').to_owned())
}

fn big_endian(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
