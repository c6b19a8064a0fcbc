//! The reference: a broadcast server without any protocol. Every text that a client sends goes to all
//! clients, as it is.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// Texts that wait for one client; a client for which more would wait is dropped.
const QUEUE_TEXTS_MAX: usize = 16_384;

/// Connections that wait to be accepted; the kernel makes clients beyond it try again after 1 s.
const BACKLOG: u32 = 4096;

/// Bytes of tungstenite's read buffer, which each connection has; its default takes 138 kB of memory.
/// The write buffer stays as it is: it takes no memory before it is needed, and a smaller one would
/// more than double the processor time of a delivery.
const READ_BUFFER_BYTES: usize = 4096;

type Queues = Arc<Mutex<HashMap<usize, mpsc::Sender<Utf8Bytes>>>>;

/// Serves on a free port for ever, and says on stderr which one it is.
///
/// # Errors
/// When the port cannot be had.
#[tokio::main]
pub(crate) async fn run() -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    let queues = Queues::default();
    for id in 0.. {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let queues = queues.clone();
        tokio::spawn(async move {
            // An error is the client's: it went away, or broke the protocol.
            let _ = serve(stream, id, &queues).await;
            lock(&queues, |queues| queues.remove(&id));
        });
    }
    Ok(())
}

async fn serve(stream: TcpStream, id: usize, queues: &Queues) -> Result<(), Error> {
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let socket = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await?;
    let (mut sink, mut stream) = socket.split();
    let (queue, mut texts) = mpsc::channel(QUEUE_TEXTS_MAX);
    lock(queues, |queues| queues.insert(id, queue));
    let writer = tokio::spawn(async move {
        // All that waits goes out with one flush.
        while let Some(text) = texts.recv().await {
            sink.feed(Message::Text(text)).await?;
            while let Ok(text) = texts.try_recv() {
                sink.feed(Message::Text(text)).await?;
            }
            sink.flush().await?;
        }
        sink.close().await
    });
    while let Some(message) = stream.next().await {
        if let Ok(Message::Text(text)) = message {
            lock(queues, |queues| queues.retain(|_, queue| queue.try_send(text.clone()).is_ok()));
        } else if message.is_err() {
            break;
        }
    }
    writer.abort();
    Ok(())
}

/// Nothing panics while it holds the lock, so what it guards is whole.
fn lock<R>(queues: &Queues, work: impl FnOnce(&mut HashMap<usize, mpsc::Sender<Utf8Bytes>>) -> R) -> R {
    work(&mut queues.lock().unwrap_or_else(PoisonError::into_inner))
}
