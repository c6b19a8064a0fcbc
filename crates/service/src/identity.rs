//! Who answers: the header X-Served-By and `GET /whoami`.

use std::env::consts::ARCH;
use std::fmt::{self, Debug, Formatter};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::Serialize;
use serde_json::Value;

use crate::about::About;
use crate::chaos::{Chaos, Turned};
use crate::config::ServiceConfig;
use crate::readiness::Readiness;

/// Names the replica that gave an answer.
pub const X_SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// One running instance of a service.
#[derive(Clone, Debug)]
pub struct Identity(Arc<Instance>);

#[derive(Debug)]
struct Instance {
    name: &'static str,
    version: String,
    served_by: String,
    host: String,
    node: Option<String>,
    started: Instant,
    requests: Requests,
    details: Details,
}

/// How many requests an instance has answered, but for those about itself (`/whoami`, `/metrics` and the like). What a
/// router answers is counted by itself.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<AtomicU64>);

impl Requests {
    /// Counts one more.
    pub fn count(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// What a service has to say of itself beyond what all say.
#[derive(Default)]
struct Details(OnceLock<Box<dyn Fn() -> Value + Send + Sync>>);

impl Debug for Details {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Details").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Whoami<'a> {
    name: &'a str,
    version: &'a str,
    served_by: &'a str,
    host: &'a str,
    node: Option<&'a str>,
    architecture: &'static str,
    uptime_seconds: u64,
    ready: bool,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    requests: u64,
    /// What breaks it on purpose; left out when nothing can.
    #[serde(skip_serializing_if = "Option::is_none")]
    knobs: Option<Vec<Turned>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Value>,
    caller: String,
    x_forwarded_for: Vec<String>,
}

impl Identity {
    /// The instance that runs in this process, as `config` names it.
    #[must_use]
    pub fn new(about: &About, config: &ServiceConfig) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self(Arc::new(Instance {
            name: about.name,
            version: config.service_version.clone().unwrap_or_else(|| about.version.to_owned()),
            served_by: config.served_by.clone().unwrap_or_else(|| host.clone()),
            node: config.node_name.clone(),
            host,
            started: Instant::now(),
            requests: Requests::default(),
            details: Details::default(),
        }))
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The instance's version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// What X-Served-By says.
    #[must_use]
    pub fn served_by(&self) -> &str {
        &self.0.served_by
    }

    /// The machine, if it was told.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        self.0.node.as_deref()
    }

    /// How long the instance has been there.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// Where requests are counted that no router answers, such as those within a WebSocket.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.0.requests.clone()
    }

    /// Has `/whoami` tell what this service alone has to say, as `details`. It is asked each time, about once a second
    /// for whoever looks at the yard: so it is to be short, and at hand. Only the first call counts.
    pub fn tell(&self, details: impl Fn() -> Value + Send + Sync + 'static) {
        let _ = self.0.details.0.set(Box::new(details));
    }

    /// The header's value; a host name that no header can carry becomes `unknown`.
    ///
    /// It is put on every answer: as static text it is copied without counting references, over
    /// which processor cores would quarrel. So a process that starts an instance again loses a few bytes.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        match HeaderValue::from_str(&self.0.served_by) {
            Ok(_) => HeaderValue::from_static(self.0.served_by.clone().leak()),
            Err(_) => HeaderValue::from_static("unknown"),
        }
    }

    pub(crate) fn routes(&self, readiness: &Readiness, chaos: &Chaos) -> Router {
        let state = (self.clone(), readiness.clone(), chaos.clone());
        Router::new().route("/whoami", routing::get(whoami)).with_state(state)
    }
}

async fn whoami(
    State((Identity(instance), readiness, chaos)): State<(Identity, Readiness, Chaos)>,
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let forwarded = headers.get_all(X_FORWARDED_FOR).iter();
    let reason = readiness.check().err();
    let answer = Whoami {
        name: instance.name,
        version: &instance.version,
        served_by: &instance.served_by,
        host: &instance.host,
        node: instance.node.as_deref(),
        architecture: architecture(),
        uptime_seconds: instance.started.elapsed().as_secs(),
        ready: reason.is_none(),
        reason,
        requests: instance.requests.0.load(Relaxed),
        knobs: chaos.list(),
        details: instance.details.0.get().map(|details| details()),
        // On `::`, IPv4 clients would look like `::ffff:192.0.2.7`.
        caller: SocketAddr::new(caller.ip().to_canonical(), caller.port()).to_string(),
        x_forwarded_for: forwarded.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect(),
    };
    Json(answer).into_response()
}

/// The processor in Docker's words, as in `docker buildx build --platform linux/…`.
#[must_use]
pub fn architecture() -> &'static str {
    match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        // The one 32-bit ARM that images are built for.
        "arm" => "arm/v7",
        other => other,
    }
}
