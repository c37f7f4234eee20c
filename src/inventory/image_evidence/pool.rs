//! Keeps every text and every vulnerability once, however many images share it: 50,000 reports of one fleet repeat
//! the same few packages of the same few base images.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, sync::Arc};

use super::scan::{Rating, Vulnerability, VulnerabilityReport};

/// What a pool says of a vulnerability, by positions in the other pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Record {
    id: u32,
    aliases: u32,
    package: u32,
    ratings: u32,
    fixed_in: u32,
    fixable: bool,
}

/// Ratings by source; the scanner's own comes first.
type Ratings = Arc<[(Arc<str>, Rating)]>;

/// The other names of a vulnerability, in ascending order.
type Aliases = Arc<[Arc<str>]>;

/// What the positions in scans stand for. A clone shares everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    texts: Pool<Arc<str>>,
    ratings: Pool<Ratings>,
    aliases: Pool<Aliases>,
    records: Pool<Record>,
}

/// Writes a book.
#[derive(Debug, Default)]
pub(super) struct Scribe {
    book: Book,
    texts: HashMap<Arc<str>, u32>,
    ratings: HashMap<Ratings, u32>,
    aliases: HashMap<Aliases, u32>,
    records: HashMap<Record, u32>,
}

impl Book {
    pub(super) fn vulnerabilities<'e>(&'e self, ids: &'e IdList) -> impl Iterator<Item = Vulnerability<'e>> {
        ids.iter().filter_map(|id| self.vulnerability(id))
    }

    fn vulnerability(&self, id: u32) -> Option<Vulnerability<'_>> {
        let record = self.records.get(id)?;
        Some(Vulnerability {
            id: self.texts.get(record.id)?,
            aliases: self.aliases.get(record.aliases)?,
            package: self.texts.get(record.package)?,
            fixable: record.fixable,
            fixed_in: self.texts.get(record.fixed_in)?,
            ratings: self.ratings.get(record.ratings)?,
        })
    }
}

impl Scribe {
    /// The book as written so far. What is written later does not appear in it.
    pub(super) fn book(&self) -> Book {
        self.book.clone()
    }

    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        let (text, _) = self.write_text(text);
        text
    }

    pub(super) fn vulnerabilities(&mut self, reports: &[VulnerabilityReport<'_>]) -> IdList {
        IdList::of(reports.iter().map(|report| self.record(report)).collect())
    }

    /// Writes into this book what `ids` mean in another one.
    pub(super) fn copy(&mut self, from: &Book, ids: &IdList) -> IdList {
        let ids = from.vulnerabilities(ids).map(|vulnerability| {
            let others = vulnerability.ratings.iter().map(|(by, rating)| (&**by, *rating));
            let ratings = self.write_ratings(others);
            let aliases = self.write_aliases(vulnerability.aliases.iter().map(|alias| &**alias));
            let Vulnerability { id, package, fixed_in, fixable, .. } = vulnerability;
            self.write_record([id, package, fixed_in], aliases, ratings, fixable)
        });
        IdList::of(ids.collect())
    }

    fn record(&mut self, report: &VulnerabilityReport<'_>) -> u32 {
        let others = report.other_ratings.iter().map(|(by, rating)| (&**by, *rating));
        let ratings = self.write_ratings(std::iter::once((&*report.rated_by, report.rating)).chain(others));
        let aliases = self.write_aliases(report.aliases.iter().map(|alias| &**alias));
        self.write_record([&report.id, &report.package, &report.fixed_in], aliases, ratings, report.fixable)
    }

    fn write_record(&mut self, texts: [&str; 3], aliases: u32, ratings: u32, fixable: bool) -> u32 {
        let [id, package, fixed_in] = texts.map(|text| self.write_text(text).1);
        let record = Record { id, aliases, package, ratings, fixed_in, fixable };
        *self.records.entry(record).or_insert_with(|| self.book.records.push(record))
    }

    fn write_ratings<'r>(&mut self, ratings: impl Iterator<Item = (&'r str, Rating)>) -> u32 {
        let ratings: Ratings = ratings.map(|(by, rating)| (self.text(by), rating)).collect();
        once(&mut self.book.ratings, &mut self.ratings, &*ratings, || ratings.clone()).1
    }

    fn write_aliases<'r>(&mut self, aliases: impl Iterator<Item = &'r str>) -> u32 {
        let mut aliases: Vec<_> = aliases.map(|alias| self.text(alias)).collect();
        aliases.sort_unstable();
        aliases.dedup();
        once(&mut self.book.aliases, &mut self.aliases, &*aliases, || aliases.clone().into()).1
    }

    fn write_text(&mut self, text: &str) -> (Arc<str>, u32) {
        once(&mut self.book.texts, &mut self.texts, text, || text.into())
    }
}

/// The one copy of a value, and its position.
fn once<K, Q>(
    pool: &mut Pool<K>,
    positions: &mut HashMap<K, u32>,
    value: &Q,
    make: impl FnOnce() -> K,
) -> (K, u32)
where
    K: Borrow<Q> + Clone + Eq + Hash,
    Q: Eq + Hash + ?Sized,
{
    if let Some((key, position)) = positions.get_key_value(value) {
        return (key.clone(), *position);
    }
    let key = make();
    let position = pool.push(key.clone());
    positions.insert(key.clone(), position);
    (key, position)
}

/// A list that only grows. A clone costs one pointer per chunk and does not see what is pushed later.
#[derive(Clone, Debug)]
struct Pool<T> {
    /// All full but the last.
    chunks: Vec<Arc<Vec<T>>>,
}

/// Values per chunk; pushing after a clone copies at most this many.
const CHUNK: usize = 1024;

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T: Clone> Pool<T> {
    fn push(&mut self, value: T) -> u32 {
        let full = self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK);
        if full {
            self.chunks.push(Arc::new(Vec::new()));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let mut position = before;
        if let Some(chunk) = self.chunks.last_mut() {
            position += chunk.len();
            Arc::make_mut(chunk).push(value);
        }
        // Four thousand million values need more memory than any machine we run on.
        u32::try_from(position).unwrap_or(u32::MAX)
    }

    fn get(&self, position: u32) -> Option<&T> {
        let position = position as usize;
        self.chunks.get(position / CHUNK)?.get(position % CHUNK)
    }
}

/// Positions in ascending order, each written as its distance from the one before, seven bits to a byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct IdList(Box<[u8]>);

impl IdList {
    fn of(mut ids: Vec<u32>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        let mut bytes = Vec::with_capacity(ids.len() * 2);
        let mut before = 0;
        for id in ids {
            let mut distance = id - before;
            before = id;
            while distance > 0x7f {
                bytes.push((distance & 0x7f) as u8 | 0x80);
                distance >>= 7;
            }
            bytes.push(distance as u8);
        }
        Self(bytes.into_boxed_slice())
    }

    fn iter(&self) -> impl Iterator<Item = u32> {
        let mut bytes = self.0.iter();
        let mut before = 0_u32;
        std::iter::from_fn(move || {
            let (mut distance, mut shift) = (0_u32, 0);
            loop {
                let byte = *bytes.next()?;
                distance |= u32::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            before += distance;
            Some(before)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CHUNK, IdList, Pool};

    proptest! {
        #[test]
        fn an_id_list_gives_back_what_was_put_in(mut ids in prop::collection::vec(any::<u32>(), 0..50)) {
            let list = IdList::of(ids.clone());
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(list.iter().collect::<Vec<_>>(), ids);
        }
    }

    #[test]
    fn a_clone_of_a_pool_keeps_its_values_and_sees_no_later_ones() {
        let mut pool = Pool::default();
        let positions: Vec<u32> = (0..CHUNK + 1).map(|value| pool.push(value)).collect();
        let clone = pool.clone();
        let later = pool.push(7);
        assert_eq!(pool.get(later), Some(&7));
        assert_eq!(clone.get(later), None);
        assert!(positions.iter().enumerate().all(|(value, at)| clone.get(*at) == Some(&value)));
    }
}
