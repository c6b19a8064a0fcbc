//! `GET /metrics`: an instance's figures as Prometheus text.
//!
//! A process is one instance, unless it keeps several [`apart`].

use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::Response;
use axum::{Router, routing};
use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tokio::time::sleep;

use crate::identity::{Identity, Requests, architecture};
use crate::in_flight::{self, InFlight};

pub use crate::in_flight::HTTP_REQUESTS_IN_FLIGHT;

/// The text format's version that Prometheus asks for.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Label for a request that no route matched: the paths themselves would be without number.
pub(crate) const NO_ROUTE: &str = "none";

/// Routes at which an instance is looked at, or broken on purpose: not the work that it is there for, and no load on it.
pub(crate) const ABOUT_ITSELF: [&str; 6] = ["/healthz", "/readyz", "/metrics", "/whoami", "/chaos", "/chaos/{name}"];

/// Bounds of the histograms, all of which are of times, in seconds.
const BUCKETS_SECONDS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// How often samples are put into their buckets; until then each takes memory.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// What the process counts.
static PROCESS: OnceLock<PrometheusHandle> = OnceLock::new();

thread_local! {
    /// What this thread counts, when it is kept [`apart`].
    static APART: RefCell<Option<PrometheusHandle>> = const { RefCell::new(None) };
}

/// Begins to record the metrics of the instance. Needed once, before the first counter is made; later
/// calls add the figures of another service to it.
pub fn init(identity: &Identity) {
    if APART.with_borrow(Option::is_none) {
        PROCESS.get_or_init(|| {
            let recorder = recorder();
            let handle = recorder.handle();
            // Taken already: by a program that records its metrics elsewhere, which is its right.
            let _ = metrics::set_global_recorder(recorder);
            describe();
            handle
        });
    }
    describe_gauge!("service_info", "The service, its version and processor; always 1");
    let labels = [
        ("service", identity.name().to_owned()),
        ("version", identity.version().to_owned()),
        ("architecture", architecture().to_owned()),
    ];
    gauge!("service_info", &labels).set(1);
}

/// Runs one of several instances of this process, with metrics of its own: `/metrics` of what `work` binds
/// shows what is counted on this thread alone. So `work` is to run its service on a runtime of the
/// current thread.
pub fn apart<T>(work: impl FnOnce() -> T) -> T {
    let recorder = recorder();
    let before = APART.replace(Some(recorder.handle()));
    let result = metrics::with_local_recorder(&recorder, || {
        describe();
        work()
    });
    APART.set(before);
    result
}

fn recorder() -> PrometheusRecorder {
    let buckets = PrometheusBuilder::new().set_buckets(&BUCKETS_SECONDS);
    // It refuses an empty list only.
    buckets.unwrap_or_default().build_recorder()
}

/// Describes what every service counts, and notes the start.
fn describe() {
    describe_counter!("http_requests_total", Unit::Count, "HTTP requests answered");
    describe_counter!("http_accept_failures_total", Unit::Count, "Tries to accept a connection that failed");
    describe_gauge!("http_connections", Unit::Count, "Open HTTP connections");
    in_flight::describe();
    describe_gauge!("process_start_time_seconds", Unit::Seconds, "When the instance started, in Unix time");
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    gauge!("process_start_time_seconds").set(started.as_secs_f64());
}

/// The counter of answers of one kind; keep it where many are counted, as looking it up costs more
/// than counting.
pub(crate) fn http_requests_total(route: &str, method: &Method, status: u16) -> Counter {
    let labels =
        [("route", route.to_owned()), ("method", known_method(method).to_owned()), ("status", status.to_string())];
    counter!("http_requests_total", &labels)
}

/// A client may invent methods; each would become a series of its own.
fn known_method(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE | Method::PATCH | Method::OPTIONS => {
            method.as_str()
        }
        _ => "other",
    }
}

/// Middleware that counts each request of a router while it is on its way, and its answer.
pub(crate) async fn count(State(requests): State<Requests>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let method = request.method().clone();
    let in_flight = InFlight::begin(route);
    let response = next.run(request).await;
    http_requests_total(route, &method, response.status().as_u16()).increment(1);
    if !ABOUT_ITSELF.contains(&route) {
        requests.count();
    }
    match in_flight {
        Some(in_flight) => in_flight.end_with(response),
        None => response,
    }
}

pub(crate) fn routes() -> Router {
    Router::new().route("/metrics", routing::get(async || ([(CONTENT_TYPE, PROMETHEUS_TEXT)], render())))
}

/// Keeps the memory for samples bounded, for as long as it is polled.
pub async fn upkeep() {
    loop {
        sleep(UPKEEP_INTERVAL).await;
        if let Some(handle) = handle() {
            handle.run_upkeep();
        }
    }
}

fn render() -> String {
    handle().map(|handle| handle.render()).unwrap_or_default()
}

fn handle() -> Option<PrometheusHandle> {
    APART.with_borrow(Clone::clone).or_else(|| PROCESS.get().cloned())
}
