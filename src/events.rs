//! The API server's audit events, read back into the requests that they record.

mod connect;
mod event;
mod resource;
mod taken;

pub use event::Event;
pub use taken::{LeftOut, NotInFull, Recorded, Taken, TypeMeta};
