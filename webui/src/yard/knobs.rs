//! The instances' knobs (`/chaos`), for browsers, which reach this service alone.
//!
//! Who may turn them is for the instance to say, by the token that comes with the request: this service has none to lend,
//! so that nobody else's page can have a visitor's browser break something.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use reqwest::Client;
use service::chaos::Knob;
use service::error::HttpError;
use service::outgoing;
use tokio::time::timeout;

use super::Viewers;
use super::instances::State as InstanceState;
use super::report::read_body;

/// Longest time for connecting to an instance.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest wait for an instance's answer, connecting included: a small machine takes its time to give memory.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Longest wait for the first round, when nobody looks: then the instance is not known here.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);

/// What it takes to pass an order on.
#[derive(Clone, Debug)]
struct Knobs {
    viewers: Arc<Viewers>,
    client: Client,
}

/// `PUT /yard/instances/ID/chaos/NAME` and `DELETE /yard/instances/ID/chaos`, as they are at the instance itself.
///
/// # Errors
/// When the HTTP client cannot be set up.
pub(super) fn routes(viewers: Arc<Viewers>) -> anyhow::Result<Router> {
    let client = outgoing::client(CONNECT_TIMEOUT, CONNECT_TIMEOUT).pool_max_idle_per_host(0).build()?;
    Ok(Router::new()
        .route("/yard/instances/{id}/chaos", routing::delete(take_all_back))
        .route("/yard/instances/{id}/chaos/{name}", routing::put(turn_on))
        .with_state(Knobs { viewers, client }))
}

async fn turn_on(
    State(knobs): State<Knobs>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, HttpError> {
    // It becomes part of a path.
    let name = Knob::NAMES.into_iter().find(|known| *known == name);
    let name = name.ok_or_else(|| HttpError::new(StatusCode::NOT_FOUND, "there is no such knob"))?;
    knobs.pass_on(&id, Method::PUT, &format!("/chaos/{name}"), &headers, body).await
}

async fn take_all_back(
    State(knobs): State<Knobs>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    knobs.pass_on(&id, Method::DELETE, "/chaos", &headers, Bytes::new()).await
}

impl Knobs {
    async fn pass_on(
        &self,
        id: &str,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response, HttpError> {
        let address = self.find(id).await?;
        let mut order = self.client.request(method, format!("http://{address}{path}")).body(body);
        if let Some(token) = headers.get(AUTHORIZATION) {
            order = order.header(AUTHORIZATION, token);
        }
        let answer = async {
            let answer = order.send().await.ok()?;
            Some((answer.status(), read_body(answer).await?))
        };
        let answer = timeout(ANSWER_TIMEOUT, answer).await.ok().flatten();
        let (status, body) = answer.ok_or_else(|| {
            let message = format!("{address} gave no answer: whether it does what it was told, its tile shows");
            HttpError::new(StatusCode::BAD_GATEWAY, message)
        })?;
        Ok((status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
    }

    /// Where the instance is. Who looks at the page may do so at another replica of this service: then this one looks
    /// around, too.
    async fn find(&self, id: &str) -> Result<SocketAddr, HttpError> {
        let snapshot = timeout(LOOK_TIMEOUT, self.viewers.look()).await.ok().flatten();
        // The address of one that is silent may be another's by now.
        let instance = snapshot.as_ref().and_then(|snapshot| snapshot.instances.get(id));
        let address =
            instance.filter(|instance| instance.state() == InstanceState::Answers).map(|instance| instance.address);
        address.ok_or_else(|| HttpError::new(StatusCode::NOT_FOUND, "this instance is not there any more"))
    }
}
