//! Shows a person who waits that the work goes on.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// A run that is over sooner needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar on standard error, once the run lasts, and only where somebody sees it.
pub(in crate::cli) struct Progress {
    total: usize,
    /// What is counted, in the plural.
    noun: &'static str,
    done: usize,
    begun: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(in crate::cli) fn new(total: usize, noun: &'static str) -> Self {
        Self { total, noun, done: 0, begun: Instant::now(), bar: None }
    }

    /// One more is done.
    pub(in crate::cli) fn step(&mut self) {
        self.done += 1;
        if self.bar.is_none() && self.begun.elapsed() > PATIENCE && io::stderr().is_terminal() {
            let style = ProgressStyle::with_template(&format!("{{bar:40}} {{pos}}/{{len}} {}", self.noun));
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            self.bar = Some(ProgressBar::new(self.total as u64).with_style(style));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done as u64);
        }
    }
}

/// The bar leaves no trace among what is printed next.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
