//! Listening sockets, connections, and their end.

pub mod connection;
pub mod gauges;
mod listen;
mod socket;
pub mod tls;
pub mod watch;

use bytes::Bytes;
use connection::{Command, Connection};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
pub use listen::{Listen, ListenError};
use socket::Socket;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tls::Tls;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use watch::{Admitted, Limits, Watch};

/// The head of a request, and what is read ahead of a body.
const READ_BUFFER: usize = 64 * 1024;
/// Requests that one HTTP/2 connection may have under way.
const STREAMS: u32 = 128;
/// What an HTTP/2 client may send ahead of being read, per stream and per connection.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// After the system refused a connection, for want of descriptors usually.
const PAUSE: Duration = Duration::from_millis(50);
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What answers the requests of a server.
pub trait Handle: Send + Sync + 'static {
    fn handle(
        &self,
        request: http::Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> impl Future<Output = http::Response<Full<Bytes>>> + Send;
}

/// A running server.
pub struct Server {
    watch: Arc<Watch>,
    addresses: Vec<SocketAddr>,
    accepting: Vec<JoinHandle<()>>,
    keeping: JoinHandle<()>,
}

impl Server {
    /// Listens everywhere it is told to, and answers by `handler` from then on. Err: an address cannot be had; then it
    /// listens nowhere.
    pub async fn start<H: Handle>(
        listen: &[Listen],
        limits: Limits,
        tls: Option<Arc<Tls>>,
        handler: Arc<H>,
    ) -> Result<Self, ListenError> {
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for place in listen {
            let (listener, address) = place.bind().await?;
            listeners.push(listener);
            addresses.push(address);
        }
        let watch = Arc::new(Watch::new(limits));
        let accepting = listeners
            .into_iter()
            .map(|listener| {
                let (watch, tls, handler) = (watch.clone(), tls.clone(), handler.clone());
                tokio::spawn(accept(listener, watch, tls, handler))
            })
            .collect();
        Ok(Server {
            keeping: tokio::spawn(watch.clone().keep()),
            watch,
            addresses,
            accepting,
        })
    }

    /// Where it listens, in the order asked for.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// Accepts nothing more, finishes what is under way, and ends; what is not finished after `patience` is dropped.
    /// False: something was.
    pub async fn stop(self, patience: Duration) -> bool {
        for task in &self.accepting {
            task.abort();
        }
        for task in self.accepting {
            // The sockets are closed once the tasks are gone.
            let _ = task.await;
        }
        self.watch.tell_all(Command::Finish);
        let finished = tokio::time::timeout(patience, self.watch.all_left())
            .await
            .is_ok();
        if !finished {
            self.watch.tell_all(Command::End);
            self.watch.all_left().await;
        }
        self.keeping.abort();
        finished
    }
}

async fn accept<H: Handle>(
    listener: TcpListener,
    watch: Arc<Watch>,
    tls: Option<Arc<Tls>>,
    handler: Arc<H>,
) {
    let http = Arc::new(builder());
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(admitted) = watch.admit(peer) else {
            if tls.is_none() {
                // The buffer of a new socket takes it at once, or it is not said.
                let _ = stream.try_write(BUSY);
            }
            continue;
        };
        // Answers are written whole: waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let (http, handler) = (http.clone(), handler.clone());
        let tls = tls.as_ref().map(|tls| TlsAcceptor::from(tls.current()));
        tokio::spawn(connect(stream, tls, admitted, http, handler));
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .header_read_timeout(None)
        .max_buf_size(READ_BUFFER);
    http.http2()
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(READ_BUFFER as u32);
    http
}

async fn connect<H: Handle>(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    admitted: Admitted,
    http: Arc<auto::Builder<TokioExecutor>>,
    handler: Arc<H>,
) {
    let connection = &admitted.connection;
    let Some(tls) = tls else {
        return serve(TokioIo::new(stream), connection, &http, handler).await;
    };
    let mut shaking = pin!(tls.accept(stream));
    let shaken = poll_fn(|context| match connection.command(context) {
        Command::GoOn => shaking.as_mut().poll(context).map(Some),
        _ => Poll::Ready(None),
    });
    match shaken.await {
        Some(Ok(stream)) => serve(TokioIo::new(stream), connection, &http, handler).await,
        Some(Err(error)) => {
            tracing::debug!(peer = %connection.peer, %error, "TLS handshake failed");
        }
        None => {}
    }
}

async fn serve<S, H>(
    stream: S,
    connection: &Arc<Connection>,
    http: &auto::Builder<TokioExecutor>,
    handler: Arc<H>,
) where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    H: Handle,
{
    let socket = Socket::new(stream, Arc::clone(connection));
    let session = Arc::new((handler, Arc::clone(connection)));
    let service = service_fn(move |request| {
        let session = Arc::clone(&session);
        async move { Ok::<_, Infallible>(session.0.handle(request, &session.1).await) }
    });
    let mut serving = pin!(http.serve_connection(socket, service));
    let mut finishing = false;
    let ended = poll_fn(|context| {
        match connection.command(context) {
            Command::GoOn => {}
            Command::Finish if finishing => {}
            Command::Finish => {
                finishing = true;
                serving.as_mut().graceful_shutdown();
            }
            Command::End => return Poll::Ready(Ok(())),
        }
        serving.as_mut().poll(context)
    });
    if let Err(error) = ended.await {
        // A client that hangs up, or speaks no HTTP.
        tracing::debug!(peer = %connection.peer, error, "connection failed");
    }
}
