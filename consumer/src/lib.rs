//! The consumer: fetches a number every few seconds and prints it, or says why it could not.
//!
//! What it prints on stdout is what the tutorials show, to the letter: `Received number: 73`, or
//! `Error fetching the number: ` and a reason. Health and metrics are at `OPS_PORT`.

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use metrics::{counter, describe_counter, describe_gauge, gauge};
use serde_json::json;
use service::chaos::Role;
use service::{About, Chaos, Identity, Readiness, Server, Settings};
use tokio::time;
use tokio_util::sync::CancellationToken;

mod config;
mod poll;
mod print;

pub use config::Config;
use poll::{Answer, PollError, Poller};
use print::Printer;

/// What the program says of itself.
pub const ABOUT: About = service::about!();

/// A consumer whose port for health and metrics is taken, but which does not poll yet.
#[derive(Debug)]
pub struct Consumer {
    server: Server,
    ops: Router,
    readiness: Readiness,
    chaos: Chaos,
    poller: Poller,
    printer: Printer,
    poll_interval: Duration,
    show_served_by: bool,
    received: Arc<Mutex<Received>>,
}

/// What was received so far, for who looks at the yard.
#[derive(Debug, Default)]
struct Received {
    count: u64,
    /// The last number, and the replica that gave it.
    last: Option<(i64, String)>,
}

/// Takes the port for health and metrics. What is received goes to stdout.
///
/// # Errors
/// When that port cannot be had.
pub fn bind(config: &Config) -> anyhow::Result<Consumer> {
    bind_with(config, io::stdout())
}

/// Does the same with another place for what is received.
///
/// # Errors
/// When the port cannot be had.
pub fn bind_with(config: &Config, out: impl Write + Send + 'static) -> anyhow::Result<Consumer> {
    let identity = Identity::new(&ABOUT, &config.service);
    let received = Arc::new(Mutex::new(Received::default()));
    let told = received.clone();
    identity.tell(move || {
        let Received { count, last } = &*told.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, from) = last.as_ref().map(|(number, from)| (number, from)).unzip();
        json!({ "numbers": count, "last_number": number, "from": from })
    });
    let readiness = Readiness::unready("no number received yet");
    let chaos = Chaos::new(&config.service, &readiness, Role::Client)?;
    let server = Server::bind(
        ("OPS_HOST", "OPS_PORT"),
        config.health_address(),
        &["health and metrics: http://"],
        &identity,
        &config.service,
    )?;
    let ops = service::http::router(Router::new(), &identity, &readiness, &chaos);
    describe_counter!("consumer_polls_total", "Polls of the producer, by their result");
    describe_gauge!("consumer_last_number", "The number received last");
    let poller = Poller::new(config.producer_url.clone(), config.poll_timeout)?;
    let printer = Printer::start(out);
    let Config { poll_interval, show_served_by, .. } = *config;
    Ok(Consumer { server, ops, readiness, chaos, poller, printer, poll_interval, show_served_by, received })
}

impl Consumer {
    /// The address of health and metrics.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Polls and prints until `shutdown`.
    ///
    /// # Errors
    /// When stdout cannot be written. A reader that went away (`consumer | head`) is no error: it
    /// ends the service.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let Self { server, ops, readiness, chaos, poller, mut printer, poll_interval, show_served_by, received } = self;
        let stop = shutdown.child_token();
        let serving = server.run(ops, readiness.clone(), stop.clone());
        let polling = async {
            // Whatever ends the polling ends the service.
            let _stop_serving = stop.clone().drop_guard();
            let poll = async || {
                chaos.wait().await;
                poller.poll().await
            };
            while let Some(result) = stop.run_until_cancelled(poll()).await {
                record(&readiness, &received, &result);
                match stop.run_until_cancelled(printer.print(line(result, show_served_by))).await {
                    None | Some(Ok(())) => {}
                    Some(Err(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                    Some(Err(error)) => return Err(error),
                }
                stop.run_until_cancelled(time::sleep(poll_interval)).await;
            }
            printer.finish().await;
            Ok(())
        };
        let (served, printed) = tokio::join!(serving, polling);
        served?;
        printed.context("cannot write to stdout")
    }
}

fn record(readiness: &Readiness, received: &Mutex<Received>, result: &Result<Answer, PollError>) {
    let outcome = match result {
        Ok(answer) => {
            readiness.set_ready();
            let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
            received.count += 1;
            received.last = Some((answer.number, answer.served_by.clone()));
            // Numbers go to 180; a float holds far more exactly.
            #[allow(clippy::cast_precision_loss)]
            gauge!("consumer_last_number").set(answer.number as f64);
            "ok"
        }
        Err(error) => {
            readiness.set_unready(error.to_string());
            error.kind()
        }
    };
    counter!("consumer_polls_total", "result" => outcome).increment(1);
}

fn line(result: Result<Answer, PollError>, show_served_by: bool) -> String {
    match result {
        Ok(Answer { number, served_by }) if show_served_by => format!("Received number: {number} (from {served_by})"),
        Ok(Answer { number, .. }) => format!("Received number: {number}"),
        Err(error) => format!("Error fetching the number: {error}"),
    }
}
