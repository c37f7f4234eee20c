//! The host of an image reference: where it ends, how it is spelled, whether it is a number.

/// Splits a reference before its path. The first component is a host only when it could not be a path: it holds
/// `.` or `:`, has an upper-case letter, or is `localhost`.
pub(super) fn split(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((first, rest)) if is_host(first) => (Some(first), rest),
        _ => (None, text),
    }
}

/// Whether a first component is read as a host.
pub(super) fn is_host(first: &str) -> bool {
    first.contains(['.', ':'])
        || first.eq_ignore_ascii_case("localhost")
        || first.bytes().any(|b| b.is_ascii_uppercase())
}

/// The one spelling of a host, or none if it is malformed.
pub(super) fn normalise(host: &str) -> Option<String> {
    let lower = host.to_ascii_lowercase();
    let name = match lower.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
            return (address.parse::<std::net::Ipv6Addr>().is_ok() && port_fits).then_some(lower);
        }
        None => match lower.split_once(':') {
            Some((_, port)) if !is_port(port) => return None,
            Some((name, _)) => name,
            None => &*lower,
        },
    };
    if !name.split('.').all(is_label) {
        return None;
    }
    Some(match &*lower {
        "index.docker.io" => "docker.io".to_owned(),
        // `Registry/app` has a host only because of its capital; in lower case it would be a path on Docker Hub.
        _ if !is_host(&lower) => host.to_owned(),
        _ => lower,
    })
}

/// Whether a normalised host is an address. A last label that is a number makes it one, for that is how resolvers
/// read `127.1` and `0x7f000001`, and no top-level domain is a number.
pub(super) fn is_address(host: &str) -> bool {
    if host.starts_with('[') {
        return true;
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let last = name.rsplit('.').next().unwrap_or(name);
    let hexadecimal =
        last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || last.bytes().all(|b| b.is_ascii_digit())
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
