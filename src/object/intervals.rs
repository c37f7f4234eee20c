//! Sets of numbers as ranges: addresses and ports.

/// Numbers as sorted ranges that neither overlap nor touch; both ends belong to a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intervals(Vec<(u128, u128)>);

impl Intervals {
    /// One range; empty if it ends before it begins.
    pub fn of(first: u128, last: u128) -> Self {
        Self(if first <= last { vec![(first, last)] } else { Vec::new() })
    }

    /// Adds a range.
    pub fn add(&mut self, first: u128, last: u128) {
        self.0.push((first, last));
        self.settle();
    }

    /// Restores the order, and makes one of what overlaps or touches.
    fn settle(&mut self) {
        self.0.retain(|(first, last)| first <= last);
        self.0.sort_unstable();
        self.0.dedup_by(|next, before| {
            let joins = next.0 <= before.1.saturating_add(1);
            if joins {
                before.1 = before.1.max(next.1);
            }
            joins
        });
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut rest = Vec::new();
        let mut cuts = other.ranges().peekable();
        for (mut first, last) in self.ranges() {
            let mut is_used_up = false;
            while let Some((cut_first, cut_last)) = cuts.peek().copied().filter(|cut| cut.0 <= last) {
                if cut_last >= first {
                    if cut_first > first {
                        rest.push((first, cut_first.saturating_sub(1)));
                    }
                    if cut_last >= last {
                        // It may reach into the next range too.
                        is_used_up = true;
                        break;
                    }
                    first = cut_last.saturating_add(1);
                }
                cuts.next();
            }
            if !is_used_up {
                rest.push((first, last));
            }
        }
        Self(rest)
    }

    pub fn contains(&self, number: u128) -> bool {
        self.ranges().any(|(first, last)| first <= number && number <= last)
    }

    /// Whether everything in the other set is in this one.
    pub fn covers(&self, other: &Self) -> bool {
        other.ranges().all(|(first, last)| self.ranges().any(|own| own.0 <= first && last <= own.1))
    }

    /// Whether a number is in both sets.
    pub fn meets(&self, other: &Self) -> bool {
        self.ranges().any(|own| other.ranges().any(|(first, last)| own.0 <= last && first <= own.1))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The least number in the set.
    pub fn first(&self) -> Option<u128> {
        self.ranges().next().map(|(first, _)| first)
    }

    /// The ranges in ascending order.
    pub fn ranges(&self) -> impl Iterator<Item = (u128, u128)> {
        self.0.iter().copied()
    }
}

impl FromIterator<(u128, u128)> for Intervals {
    fn from_iter<T: IntoIterator<Item = (u128, u128)>>(ranges: T) -> Self {
        let mut all = Self(ranges.into_iter().collect());
        all.settle();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Intervals;

    fn set(ranges: &[(u128, u128)]) -> Intervals {
        ranges.iter().copied().collect()
    }

    #[test]
    fn ranges_that_overlap_or_touch_become_one() {
        for (ranges, expected) in [
            (vec![(5, 7), (1, 2)], vec![(1, 2), (5, 7)]),
            (vec![(1, 2), (3, 4)], vec![(1, 4)]),
            (vec![(1, 2), (6, 8), (2, 6)], vec![(1, 8)]),
            (vec![(1, 9), (3, 4)], vec![(1, 9)]),
            (vec![(4, 3)], vec![]),
            (vec![(0, u128::MAX), (u128::MAX, u128::MAX)], vec![(0, u128::MAX)]),
        ] {
            assert_eq!(set(&ranges).ranges().collect::<Vec<_>>(), expected, "{ranges:?}");
        }
    }

    #[test]
    fn a_difference_holds_what_only_the_first_set_holds() {
        for (from, cut, expected) in [
            (vec![(1, 9)], vec![(3, 4)], vec![(1, 2), (5, 9)]),
            (vec![(1, 9)], vec![(0, 9)], vec![]),
            (vec![(1, 3), (5, 9)], vec![(2, 6), (9, 12)], vec![(1, 1), (7, 8)]),
            (vec![(0, u128::MAX)], vec![(4, u128::MAX)], vec![(0, 3)]),
            (vec![(1, 2)], vec![], vec![(1, 2)]),
            (vec![(1, 3), (5, 7), (9, 9)], vec![(2, 5), (7, 9)], vec![(1, 1), (6, 6)]),
            (vec![(5, 9)], vec![(1, 2), (3, 5), (7, 7)], vec![(6, 6), (8, 9)]),
        ] {
            let rest = set(&from).without(&set(&cut));
            assert_eq!(rest, set(&expected), "{from:?} without {cut:?}");
            assert!(set(&from).covers(&rest) && !rest.meets(&set(&cut)), "{from:?} without {cut:?}");
        }
    }
}
