//! The accept loop: no more connections than allowed, and no end for want of a file descriptor.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::shutdown::{Phase, Stage};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Accepts connections until `closes` is reached and runs `serve` on each, on a task of its own.
pub(super) async fn accept<S, F>(
    listener: TcpListener,
    permits: Arc<Semaphore>,
    phase: Phase,
    closes: Stage,
    failed: impl Fn(),
    serve: S,
) where
    S: Fn(TcpStream) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut phase = phase;
    let mut closing = std::pin::pin!(phase.reaches(closes));
    let mut pause = FIRST_PAUSE;
    loop {
        // Before accepting: whoever is one too many waits in the kernel and costs us nothing.
        let next = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut closing => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                pause = FIRST_PAUSE;
                // An answer is one small write: waiting for more to send would only delay it.
                let _unset = stream.set_nodelay(true).is_err();
                let connection = serve(stream);
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            // Out of descriptors or memory: the connections that end meanwhile give some back.
            Err(error) => {
                failed();
                tracing::warn!(%error, "cannot accept connections for the moment");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
