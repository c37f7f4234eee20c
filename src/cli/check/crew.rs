//! Spreads work over the processors, and takes its results in the order of the input.

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

/// Does the work for every item, on as many threads as there are processors, and hands each result over in the order
/// of the items.
pub(super) fn in_order<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(R),
) {
    let hands = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    let next = AtomicUsize::new(0);
    let (done, results) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..hands {
            let (done, next, work) = (done.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let position = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(position) else { break };
                    // Nobody waits for it only when the program is going down.
                    if done.send((position, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(done);
        let (mut early, mut expected) = (BTreeMap::new(), 0);
        for (position, result) in results {
            early.insert(position, result);
            while let Some(result) = early.remove(&expected) {
                take(result);
                expected += 1;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_however_long_each_takes() {
        let items: Vec<u64> = (0..64).collect();
        let mut taken = Vec::new();
        let slow_first = |item: &u64| {
            thread::sleep(Duration::from_millis((64 - item) / 8));
            *item
        };
        in_order(&items, slow_first, |result| taken.push(result));
        assert_eq!(taken, items);
        in_order(&[], slow_first, |_| panic!("there was nothing to do"));
    }
}
