//! The thread that looks at a directory again and again.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::{Change, Directory, Survey};

/// Keeps a directory watched; dropping it ends the watch.
#[must_use = "dropping it ends the watch"]
pub struct Watch {
    _ends_when_dropped: Sender<()>,
}

/// Looking may take at most this part of the time, however many files there are.
const SHARE: u32 = 50;

impl Watch {
    pub(super) fn start(
        directory: Directory,
        every: Duration,
        tell: impl FnMut(Change<'_>) + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, dropped) = channel();
        let mut looker = Looker { directory, tell, unsettled: None, trouble: None };
        thread::Builder::new().name("directory".to_owned()).spawn(move || {
            let mut pause = every;
            while dropped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let begun = Instant::now();
                looker.look();
                pause = every.max(begun.elapsed() * SHARE);
            }
        })?;
        Ok(Self { _ends_when_dropped: sender })
    }
}

struct Looker<F> {
    directory: Directory,
    tell: F,
    /// What was seen last time, when it differed from what is known.
    unsettled: Option<Survey>,
    /// The last trouble told, so that it is told once.
    trouble: Option<String>,
}

impl<F: FnMut(Change<'_>)> Looker<F> {
    fn look(&mut self) {
        let looked = self.directory.survey().and_then(|survey| {
            if !self.directory.differs(&survey) {
                self.unsettled = None;
                if self.trouble.is_some() {
                    // It came back unchanged: no round will follow to tell of it.
                    (self.tell)(Change::Settled);
                }
                return Ok(());
            }
            if self.directory.appears_whole || self.unsettled.as_ref() == Some(&survey) {
                self.unsettled = None;
                return self.directory.round(&mut self.tell);
            }
            self.unsettled = Some(survey);
            Ok(())
        });
        let trouble = looked.err().map(|error| error.to_string());
        if let Some(reason) = &trouble
            && self.trouble != trouble
        {
            (self.tell)(Change::Unreadable { path: self.directory.path(), reason });
        }
        self.trouble = trouble;
    }
}
