//! What to do about the Secret, and what to serve meanwhile: decided from what is seen, without doing any of it.

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;

use super::{
    registration::Registration,
    secret::{Content, Kept, Rotate},
};
use crate::certificates::{Authority, Bundle, Error, Lives, Pair, validate};

/// CAs in a bundle at most. More come together only when the Secret is lost again and again.
pub(super) const MOST: usize = 8;

/// Everything that the next step depends on.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    /// What the Secret holds; none when there is no Secret.
    pub kept: Option<&'a Kept>,
    /// What this replica serves.
    pub held: Option<&'a Pair>,
    /// Whom the API server calls; none when the configuration does not exist.
    pub live: Option<&'a Registration>,
    /// The CAs that the Secret held when it was last whole.
    pub remembered: &'a Bundle,
    /// Whether every reader has had time to learn of the newest CA of the Secret.
    pub settled: bool,
    /// The name by which the Service is called.
    pub host: &'a str,
    /// What the certificate must be good for.
    pub names: &'a [String],
    pub now: Timestamp,
}

/// What is to be written into the Secret next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All is as it should be, or waits for readers.
    Rest,
    /// A new CA before these older ones. The certificate stays until callers trust the new CA; without one that they
    /// trust, the new CA signs one at once.
    NewCa { older: Bundle, certificate: Option<Pair>, reason: Reason },
    /// A certificate signed by the newest CA.
    NewCertificate { reason: Reason },
    /// Nothing new: this bundle and this certificate.
    Mend { bundle: Bundle, certificate: Pair, reason: Reason },
}

/// Why something is made or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// There was nothing before.
    First,
    /// The Secret is gone.
    Lost,
    /// Something in the Secret is no longer what it was.
    Damaged,
    Expired,
    /// Two thirds of its life are over.
    Age,
    /// It is not good for all names.
    Names,
    /// Callers know the new CA by now.
    NewCa,
    /// An operator asked for it.
    Asked,
    /// CAs ended, or there were too many.
    Tidied,
}

impl Reason {
    /// The words of the metric.
    pub(super) const ALL: [&'static str; 9] =
        ["first", "lost", "damaged", "expired", "age", "names", "new-ca", "asked", "tidied"];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Lost => "lost",
            Self::Damaged => "damaged",
            Self::Expired => "expired",
            Self::Age => "age",
            Self::Names => "names",
            Self::NewCa => "new-ca",
            Self::Asked => "asked",
            Self::Tidied => "tidied",
        }
    }

    /// Whether somebody broke what was there. Whoever does so again and again must be found, not outrun.
    pub(super) fn is_repair(self) -> bool {
        matches!(self, Self::Lost | Self::Damaged | Self::Expired)
    }
}

/// The next step.
pub(super) fn plan(seen: &Seen<'_>) -> Step {
    let Some(kept) = seen.kept else {
        let is_first = seen.held.is_none() && seen.known().is_empty();
        return seen.new_ca(if is_first { Reason::First } else { Reason::Lost });
    };
    if kept.is_foreign {
        return Step::Rest;
    }
    let Some(ca) = &kept.authority else { return seen.new_ca(Reason::Damaged) };
    if !ca.is_valid_at(seen.now) {
        return seen.new_ca(Reason::Expired);
    }
    if kept.rotate == Some(Rotate::Ca) {
        return seen.new_ca(Reason::Asked);
    }
    let Some(pair) = kept.pair.as_ref().filter(|pair| pair.is_valid_at(seen.now)) else {
        let reason = if kept.pair.is_some() { Reason::Expired } else { Reason::Damaged };
        return seen.replace_certificate(kept, reason);
    };
    if !seen.trusts(&kept.bundle, pair) {
        return seen.rejoin(kept, pair);
    }
    let is_own = seen.is_signed_by(ca.certificate(), pair);
    // One rotation at a time.
    if is_own && ca.is_old_at(seen.now) {
        return seen.new_ca(Reason::Age);
    }
    match seen.renewal(kept, pair, is_own) {
        Some(reason) => Step::NewCertificate { reason },
        None => seen.tidy(kept, pair),
    }
}

impl Seen<'_> {
    /// Every CA that callers may trust now or did until lately, those of the Secret first.
    fn known(&self) -> Bundle {
        let kept = self.kept.map(|kept| kept.bundle.clone()).unwrap_or_default();
        let live = self.live.map(Registration::trusted).unwrap_or_default();
        let all = kept.joined_by(live.iter().cloned()).joined_by(self.remembered.iter().cloned());
        all.valid_at(self.now)
    }

    /// Whether whoever trusts `bundle` accepts the certificate by some name that the gate is called by.
    fn trusts(&self, bundle: &Bundle, pair: &Pair) -> bool {
        let called = self.live.into_iter().flat_map(|live| &live.entries).map(|entry| entry.host.as_str());
        let mut hosts = std::iter::once(self.host).chain(called);
        hosts.any(|host| validate(&pair.certificate, bundle, host, self.now).is_ok())
    }

    fn is_signed_by(&self, ca: &CertificateDer<'static>, pair: &Pair) -> bool {
        self.trusts(&Bundle::from(ca.clone()), pair)
    }

    /// The certificate to go on with under one of these CAs: the Secret's, or else the one that is served.
    fn usable(&self, trusted: &Bundle) -> Option<Pair> {
        let kept = self.kept.and_then(|kept| kept.pair.as_ref());
        kept.into_iter().chain(self.held).find(|pair| self.trusts(trusted, pair)).cloned()
    }

    fn new_ca(&self, reason: Reason) -> Step {
        let older = self.known();
        let certificate = self.usable(&older);
        let signs = |ca: &CertificateDer<'static>| {
            certificate.as_ref().is_some_and(|pair| self.is_signed_by(ca, pair))
        };
        Step::NewCa { older: older.at_most(MOST - 1, signs), certificate, reason }
    }

    /// The Secret holds no certificate that could be served.
    fn replace_certificate(&self, kept: &Kept, reason: Reason) -> Step {
        let served = self.held.filter(|held| !self.settled && self.trusts(&self.known(), held));
        match served {
            // Callers may not know the newest CA yet; the one that is served will do until they do.
            Some(held) => {
                Step::Mend { bundle: self.with_issuer(kept, held), certificate: held.clone(), reason }
            }
            None => Step::NewCertificate { reason },
        }
    }

    /// The Secret holds a certificate that none of its own CAs has signed.
    fn rejoin(&self, kept: &Kept, pair: &Pair) -> Step {
        let reason = Reason::Damaged;
        if !self.settled && self.trusts(&self.known(), pair) {
            return Step::Mend { bundle: self.with_issuer(kept, pair), certificate: pair.clone(), reason };
        }
        Step::NewCertificate { reason }
    }

    /// The Secret's CAs, and whoever else signed this certificate.
    fn with_issuer(&self, kept: &Kept, pair: &Pair) -> Bundle {
        let known = self.known();
        let issuers = known.iter().filter(|ca| self.is_signed_by(ca, pair)).cloned();
        kept.bundle.clone().joined_by(issuers)
    }

    /// Why a certificate that is good so far is replaced now.
    fn renewal(&self, kept: &Kept, pair: &Pair, is_own: bool) -> Option<Reason> {
        if !is_own {
            return self.settled.then_some(Reason::NewCa);
        }
        if kept.rotate == Some(Rotate::Certificate) {
            Some(Reason::Asked)
        } else if pair.is_old_at(self.now) {
            Some(Reason::Age)
        } else {
            (!pair.covers(self.names)).then_some(Reason::Names)
        }
    }

    fn tidy(&self, kept: &Kept, pair: &Pair) -> Step {
        let signs = |ca: &CertificateDer<'static>| self.is_signed_by(ca, pair);
        let bundle = kept.bundle.clone().valid_at(self.now).at_most(MOST, signs);
        if bundle == kept.bundle {
            return Step::Rest;
        }
        Step::Mend { bundle, certificate: pair.clone(), reason: Reason::Tidied }
    }

    /// Which certificate to serve from now on instead of the one that is: the Secret's, as soon as callers accept it.
    pub(super) fn next_to_serve(&self) -> Option<&Pair> {
        let kept = self.kept?;
        let pair = kept.pair.as_ref()?;
        let Some(held) = self.held else { return Some(pair) };
        if pair == held {
            return None;
        }
        let accepted = |pair: &Pair| {
            pair.is_valid_at(self.now)
                && self.live.is_none_or(|live| live.accepts(&pair.certificate, self.now))
        };
        let is_of_newest = |pair| kept.bundle.newest().is_some_and(|ca| self.is_signed_by(ca, pair));
        let is_known = self.settled || !is_of_newest(pair) || is_of_newest(held);
        ((accepted(pair) && is_known) || !accepted(held)).then_some(pair)
    }
}

impl Step {
    pub(super) fn reason(&self) -> Option<Reason> {
        match self {
            Self::Rest => None,
            Self::NewCa { reason, .. } | Self::NewCertificate { reason } | Self::Mend { reason, .. } => {
                Some(*reason)
            }
        }
    }

    /// Whether callers may be told to trust the Secret's CAs as they are, even if this step cannot be taken.
    pub(super) fn leaves_bundle_good(&self) -> bool {
        match self {
            Self::Rest | Self::NewCertificate { .. } => true,
            Self::NewCa { reason, .. } | Self::Mend { reason, .. } => {
                matches!(reason, Reason::Age | Reason::Asked | Reason::Tidied)
            }
        }
    }

    /// What the Secret is to hold after this step; none when it stays as it is.
    ///
    /// # Errors
    /// When a certificate cannot be made.
    pub(super) fn content(self, seen: &Seen<'_>, lives: Lives) -> Result<Option<Content>, Error> {
        let rotate = seen.kept.and_then(|kept| kept.rotate);
        let ca = seen.kept.and_then(|kept| kept.authority.as_ref());
        let content = match self {
            Self::Rest => return Ok(None),
            Self::NewCa { older, certificate, .. } => {
                // Told apart by whoever looks into a bundle.
                let name = format!("soc2gate CA of {}", seen.now);
                let ca = Authority::make(&name, lives, seen.now)?;
                let pair = match certificate {
                    Some(pair) => pair,
                    None => ca.issue(seen.names, lives, seen.now)?,
                };
                let bundle = Bundle::from(ca.certificate().clone()).joined_by(older.iter().cloned());
                let honours = rotate == Some(Rotate::Ca);
                Content { bundle, ca_key: ca.key().into_bytes(), pair, honours }
            }
            Self::NewCertificate { .. } => {
                let (Some(ca), Some(kept)) = (ca, seen.kept) else { return Ok(None) };
                let pair = ca.issue(seen.names, lives, seen.now)?;
                let honours = rotate == Some(Rotate::Certificate);
                Content { bundle: kept.bundle.clone(), ca_key: ca.key().into_bytes(), pair, honours }
            }
            Self::Mend { bundle, certificate, .. } => {
                let Some(ca) = ca else { return Ok(None) };
                Content { bundle, ca_key: ca.key().into_bytes(), pair: certificate, honours: false }
            }
        };
        Ok(Some(content))
    }
}

#[cfg(test)]
mod tests;
