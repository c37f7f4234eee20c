//! What checks passed over on somebody's word (VEX): counted, printed and serialised alike by every command.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::{Serialize, Serializer};

use super::check::text::amount;
use crate::decision::{Decision, printable};

/// By check and by what was passed over, in how many objects or requests.
#[derive(Debug, Default)]
pub(super) struct Suppressed(BTreeMap<(&'static str, String), usize>);

#[derive(Serialize)]
struct Row<'s> {
    check: &'s str,
    /// What, whose word it was, and when they gave it.
    what: &'s str,
    objects: usize,
}

impl Suppressed {
    pub(super) fn note(&mut self, decision: &Decision) {
        for one in &decision.suppressions {
            self.add((one.check.id, printable(&one.what).into_owned()), 1);
        }
    }

    /// Takes in what another part of the input held.
    pub(super) fn absorb(&mut self, part: Self) {
        part.0.into_iter().for_each(|(about, objects)| self.add(about, objects));
    }

    fn add(&mut self, about: (&'static str, String), objects: usize) {
        *self.0.entry(about).or_default() += objects;
    }

    /// Writes each on a line, in how many things of this noun.
    ///
    /// # Errors
    /// As the writer's.
    pub(super) fn write(&self, out: &mut impl Write, noun: &str) -> io::Result<()> {
        for ((check, what), count) in &self.0 {
            writeln!(out, "suppressed in {}: {check}: {what}", amount(*count, noun))?;
        }
        Ok(())
    }
}

impl FromIterator<(&'static str, String, usize)> for Suppressed {
    fn from_iter<I: IntoIterator<Item = (&'static str, String, usize)>>(all: I) -> Self {
        Self(all.into_iter().map(|(check, what, objects)| ((check, what), objects)).collect())
    }
}

impl Serialize for Suppressed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|((check, what), objects)| Row {
            check,
            what,
            objects: *objects,
        }))
    }
}
