//! Which addresses may be connected to: what a registry's name resolves to is not for the registry to choose.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whom an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The internet.
    Public,
    /// This machine or this network.
    Private,
    /// The node's link, and the metadata services of clouds, which hand out credentials.
    Link,
    /// No single machine: multicast, unspecified, reserved.
    Nobody,
}

impl Reach {
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// What it is called in a refusal.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Private => "a private address",
            Self::Link => "a link-local or metadata address",
            Self::Nobody => "an address of no machine",
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        // Metadata services of Alibaba Cloud and Oracle Cloud beside the usual link-local one.
        [169, 254, ..] | [100, 100, 100, 200] | [192, 0, 0, 192] => Reach::Link,
        [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [198, 18..=19, ..] => {
            Reach::Private
        }
        [0, ..] | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [224..=255, ..] => {
            Reach::Nobody
        }
        _ => Reach::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    if let Some(inner) = carried(address) {
        return of_v4(inner);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // AWS's metadata service.
        [0xfd00, 0x0ec2, ..] | [0xfe80..=0xfebf, ..] => Reach::Link,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Reach::Private,
        // Only 2000::/3 is given out; Teredo, documentation and benchmarking are in it.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Reach::Nobody,
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Nobody,
    }
}

/// The IPv4 address in an IPv6 one: mapped, compatible, translated (NAT64) or tunnelled (6to4).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let pair = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(pair(high, low))
        }
        [0x2002, high, low, ..] => Some(pair(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Reach;

    #[test]
    fn knows_whom_an_address_reaches_in_every_clothing() {
        for (expected, addresses) in [
            (
                Reach::Public,
                "1.1.1.1 172.15.0.1 172.32.0.1 100.63.0.1 2606:4700::1 ::ffff:1.1.1.1 64:ff9b::1.1.1.1",
            ),
            (
                Reach::Private,
                "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 100.64.0.1 ::1 fd12::1 ::ffff:127.0.0.1 \
                 ::ffff:10.0.0.1 64:ff9b::10.0.0.1 2002:7f00:1:: ::127.0.0.1",
            ),
            (
                Reach::Link,
                "169.254.169.254 fe80::1 ::ffff:169.254.169.254 64:ff9b::169.254.169.254 fd00:ec2::254 \
                 100.100.100.200 2002:a9fe:a9fe::",
            ),
            (Reach::Nobody, "0.0.0.0 :: 224.0.0.1 255.255.255.255 ff02::1 2001:db8::1 192.0.2.1 2001::1"),
        ] {
            for address in addresses.split_whitespace() {
                assert_eq!(Reach::of(address.parse().unwrap()), expected, "{address}");
            }
        }
    }
}
