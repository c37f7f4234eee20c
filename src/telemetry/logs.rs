//! Logs: lines for a person at a terminal, JSON for a collector, never a body and never a secret.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;

/// How log lines look (`--log-format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text when the log goes to a terminal, JSON otherwise.
    #[default]
    Auto,
    Text,
    Json,
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(Error::Format(text.to_owned())),
        }
    }
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("log format {0:?} is unknown: write auto, text or json")]
    Format(String),
    #[error("log level {0:?} is unknown: write error, warn, info, debug or trace ({1})")]
    Level(String, String),
    #[error("logging was already started")]
    Started,
}

/// Starts logging to standard error, once per process, and sends panics there too.
///
/// `level` is a level or a list of `module=level`, as in `info,hyper=warn`.
///
/// # Errors
/// When the level cannot be read, or logging runs already.
pub fn start(format: Format, level: &str) -> Result<(), Error> {
    let filter = EnvFilter::builder()
        .parse(level)
        .map_err(|reason| Error::Level(level.to_owned(), reason.to_string()))?;
    // Every failure reaches whoever asked, who says what it means; here it would be told twice.
    let quiet = ["kube_client=off", "kube_runtime=off"].into_iter().filter_map(|one| one.parse().ok());
    let filter = if level.contains("kube") { filter } else { quiet.fold(filter, EnvFilter::add_directive) };
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let json = format == Format::Json || (format == Format::Auto && !terminal);
    if json {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        lines.with_ansi(terminal).with_target(false).try_init()
    }
    .map_err(|_| Error::Started)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A formatted panic message may quote the text it choked on, which may be a secret: only constant ones are told.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(message withheld)");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, message, "a panic was caught");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_level_is_refused_with_the_words_to_use() {
        let refusal = start(Format::Json, "soc2gate=loud").unwrap_err().to_string();
        assert!(refusal.contains("error, warn, info, debug or trace"), "{refusal}");
    }

    #[test]
    fn an_unknown_format_is_refused_with_the_words_to_use() {
        let refusal = "yaml".parse::<Format>().unwrap_err().to_string();
        assert!(refusal.contains("auto, text or json"), "{refusal}");
    }
}
