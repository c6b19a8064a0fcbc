//! `/chaos`: knobs that break an instance for a while, so that people see what becomes of it.
//!
//! There are none unless the settings have a token. Each ends by itself, one of a kind replaces the one before, and
//! all that is on is told in the log, in the metrics and at `GET /chaos`. What tells how an instance is (`/healthz`,
//! `/readyz`, `/metrics`, `/whoami`, `/chaos`) goes on as before, but for what a knob says that it breaks there.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use tokio::sync::mpsc;

use crate::config::ServiceConfig;
use crate::error::HttpError;
use crate::readiness::Readiness;

mod knob;
mod panel;
mod routes;

pub use knob::{KNOB_TIME_MAX, Knob, LATENCY_MAX, MEMORY_MEBIBYTES_MAX, Turned};
use panel::Panel;

/// What a service does with requests, and so what its knobs can break.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// It answers them.
    Server,
    /// It answers none of its own, and sends them to others.
    Client,
}

/// A cloneable handle on the knobs of one instance. By default, it has none.
#[derive(Clone, Debug, Default)]
pub struct Chaos(Option<Arc<Panel>>);

/// Why a request fails that nothing is wrong with. Its `Display` says so to who made it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this error was asked for: the knob errors is on, and {percent} % of the requests fail")]
pub struct AskedFor {
    percent: u8,
}

impl From<AskedFor> for HttpError {
    fn from(error: AskedFor) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

thread_local! {
    /// Who hears of exits instead of the process, when this thread's instance is kept [`apart`].
    static APART: RefCell<Option<mpsc::Sender<u8>>> = const { RefCell::new(None) };
}

/// Runs one of several instances of this process: when what `work` binds is to exit, the code goes to `exit`, and
/// the process stays.
pub fn apart<T>(exit: mpsc::Sender<u8>, work: impl FnOnce() -> T) -> T {
    let before = APART.replace(Some(exit));
    let result = work();
    APART.set(before);
    result
}

impl Chaos {
    /// The knobs of an instance with these settings; none of them is on.
    ///
    /// # Errors
    /// When the token cannot be had.
    pub fn new(config: &ServiceConfig, readiness: &Readiness, role: Role) -> anyhow::Result<Self> {
        let token = config.chaos_token().map_err(anyhow::Error::msg)?;
        let exit = APART.with_borrow(Clone::clone);
        Ok(Self(token.map(|token| Arc::new(Panel::new(token, readiness.clone(), role, exit)))))
    }

    /// Those that are on; none at all without a token.
    #[must_use]
    pub fn list(&self) -> Option<Vec<Turned>> {
        self.0.as_ref().map(|panel| panel.list())
    }

    /// Waits for as long as the knobs have a request wait, which is for nothing without any.
    pub async fn wait(&self) {
        if let Some(panel) = &self.0 {
            panel.wait().await;
        }
    }

    /// Does the same, and then lets the request go on or fail.
    ///
    /// # Errors
    /// When it is to fail.
    pub async fn admit(&self) -> Result<(), AskedFor> {
        match &self.0 {
            Some(panel) => panel.admit().await,
            None => Ok(()),
        }
    }

    /// Whether requests have to wait or fail.
    pub(crate) fn concerns_requests(&self) -> bool {
        self.0.as_ref().is_some_and(|panel| panel.concerns_requests())
    }

    /// `/chaos`, if there are knobs. The metrics must be recorded by now.
    pub(crate) fn routes(&self) -> Router {
        self.0.as_ref().map_or_else(Router::new, routes::routes)
    }

    /// Has the knobs break what the router answers.
    pub(crate) fn breaking(&self, router: Router) -> Router {
        match &self.0 {
            Some(panel) => router.layer(middleware::from_fn_with_state(panel.clone(), break_one)),
            None => router,
        }
    }
}

/// Middleware that has the knobs break one answer.
async fn break_one(State(panel): State<Arc<Panel>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_health = matches!(path, "/healthz" | "/readyz");
    let is_spared = matches!(path, "/metrics" | "/whoami" | "/chaos") || path.starts_with("/chaos/");
    if is_health {
        panel.hang_over().await;
    } else if !is_spared && let Err(error) = panel.admit().await {
        return HttpError::from(error).into_response();
    }
    let response = next.run(request).await;
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    // What comes bit by bit stands still, too.
    response.map(|body| {
        Body::from_stream(body.into_data_stream().then(move |part| {
            let panel = panel.clone();
            async move {
                panel.hang_over().await;
                part
            }
        }))
    })
}

/// For people: `500ms`, `1m 30s`.
fn shown(time: Duration) -> impl std::fmt::Display {
    humantime::format_duration(time)
}
