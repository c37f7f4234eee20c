//! IP addresses and blocks of them, read as the API server reads them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::intervals::Intervals;

/// Which of the two protocols an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

/// An address as a number of its family. An IPv4 address in IPv6 clothes is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    pub family: Family,
    pub number: u128,
}

/// A block of addresses, `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    pub first: Address,
    /// How many leading bits all its addresses share.
    pub prefix: u32,
}

impl Family {
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    const fn bits(self) -> u32 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// Every address of the family.
    pub fn every(self) -> Intervals {
        Intervals::of(0, u128::MAX >> 128_u32.saturating_sub(self.bits()))
    }
}

impl Address {
    /// Reads an address as the API server does: numbers may have leading zeros and stay decimal.
    pub fn parse(text: &str) -> Option<Self> {
        written(text).map(|address| Self::of(address.to_canonical()))
    }

    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(short) => Self { family: Family::V4, number: u32::from(short).into() },
            IpAddr::V6(long) => Self { family: Family::V6, number: long.into() },
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family {
            Family::V4 => Ipv4Addr::from(u32::try_from(self.number).unwrap_or(u32::MAX)).fmt(f),
            Family::V6 => Ipv6Addr::from(self.number).fmt(f),
        }
    }
}

impl Cidr {
    /// Reads `address/bits`. As in the API server, bits beyond the prefix may be set and count for nothing, numbers
    /// may have leading zeros and stay decimal, and an IPv4 block in IPv6 clothes is an IPv4 block.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address = written(address)?;
        let bits = decimal(bits).filter(|bits| *bits <= Address::of(address).family.bits())?;
        match (address.to_canonical(), address, bits.checked_sub(96)) {
            (short @ IpAddr::V4(_), IpAddr::V6(_), Some(bits)) => Some(Self::of(Address::of(short), bits)),
            _ => Some(Self::of(Address::of(address), bits)),
        }
    }

    /// The block of one address.
    pub fn host(address: Address) -> Self {
        Self::of(address, address.family.bits())
    }

    fn of(address: Address, prefix: u32) -> Self {
        let mut block = Self { first: address, prefix };
        block.first.number &= !block.host_bits();
        block
    }

    /// Its addresses as numbers.
    pub fn range(&self) -> (u128, u128) {
        (self.first.number, self.first.number | self.host_bits())
    }

    pub fn contains(&self, address: Address) -> bool {
        let (first, last) = self.range();
        address.family == self.first.family && first <= address.number && address.number <= last
    }

    fn host_bits(&self) -> u128 {
        let bits = self.first.family.bits().saturating_sub(self.prefix);
        1_u128.checked_shl(bits).map_or(u128::MAX, |bit| bit.wrapping_sub(1))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// The address as written.
fn written(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse().ok().map(IpAddr::V6);
    }
    let mut parts = text.split('.');
    let mut octet = || decimal(parts.next()?).and_then(|number| u8::try_from(number).ok());
    let octets = [octet()?, octet()?, octet()?, octet()?];
    parts.next().is_none().then(|| IpAddr::V4(octets.into()))
}

/// A number of digits and nothing else.
fn decimal(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{Address, Cidr, Family};

    #[test]
    fn blocks_are_read_in_every_spelling_that_the_api_server_takes() {
        for (text, canonical) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("010.001.0.0/016", "10.1.0.0/16"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("128.0.0.1/1", "128.0.0.0/1"),
            ("::/0", "::/0"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("::1/128", "::1/128"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:0:0/90", "::ffc0:0:0/90"),
        ] {
            assert_eq!(
                Cidr::parse(text).map(|block| block.to_string()).as_deref(),
                Some(canonical),
                "{text}"
            );
        }
        for text in [
            "",
            "/",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0.0/8",
            "10.0.0.256/8",
            "::/129",
            "fe80::1%eth0/64",
            "+1.0.0.0/8",
            "10.0.0.0/+8",
            "10.0.0.0/ 8",
            "1.2.3.4/-1",
            "any",
        ] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_block_contains_its_addresses_and_no_others() {
        let block = Cidr::parse("10.1.0.0/16").unwrap();
        for (text, inside) in [
            ("10.1.0.0", true),
            ("10.1.255.255", true),
            ("10.2.0.0", false),
            ("10.0.255.255", false),
            ("::ffff:10.1.2.3", true),
            ("::10.1.2.3", false),
            ("010.01.2.3", true),
        ] {
            assert_eq!(block.contains(Address::parse(text).unwrap()), inside, "{text}");
        }
        assert!(Cidr::host(Address::parse("::1").unwrap()).contains(Address::parse("::1").unwrap()));
        assert_eq!(Cidr::host(Address::parse("1.2.3.4").unwrap()).to_string(), "1.2.3.4/32");
        assert_eq!(Address::parse("1.2.3"), None);
    }

    #[test]
    fn two_halves_are_the_whole() {
        for (halves, family) in
            [(["0.0.0.0/1", "128.0.0.0/1"], Family::V4), (["::/1", "8000::/1"], Family::V6)]
        {
            let mut all = super::Intervals::default();
            for half in halves {
                let (first, last) = Cidr::parse(half).unwrap().range();
                all.add(first, last);
            }
            assert_eq!(all, family.every());
        }
    }
}
