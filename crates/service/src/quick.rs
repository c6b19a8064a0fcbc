//! A path that is asked for all the time, and what it takes to answer it as fast as a machine can.
//!
//! A router matches paths, clones itself and boxes its work for each request: several times what an answer costs that
//! is made without waiting for anything (`bench/numbers`). Here that one path is looked at first.

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response};
use axum::{Router, routing};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use metrics::Counter;

use crate::chaos::Chaos;
use crate::http;
use crate::identity::{Identity, Requests};
use crate::metrics::http_requests_total;
use crate::readiness::Readiness;
use crate::server::{Answer, App, Client};

/// A service with one path whose `GET` is answered at once; the router has all others, and its other methods.
#[derive(Clone, Debug)]
pub struct QuickGet {
    router: Router,
    path: &'static str,
    answer: fn() -> Bytes,
    answered: Counter,
    chaos: Chaos,
    requests: Requests,
}

impl QuickGet {
    /// `routes`, completed as [`http::router`] does, and `GET path`: `answer` makes its JSON anew each time, and never
    /// waits.
    #[must_use]
    pub fn new(
        path: &'static str,
        answer: fn() -> Bytes,
        routes: Router,
        identity: &Identity,
        readiness: &Readiness,
        chaos: &Chaos,
    ) -> Self {
        let get = routing::get(async move || json(answer(), HeaderMap::new()).map(Body::new));
        Self {
            // It begins to record the metrics, which has to come before the counter.
            router: http::router(routes.route(path, get), identity, readiness, chaos),
            path,
            answer,
            answered: http_requests_total(path, &Method::GET, 200),
            chaos: chaos.clone(),
            requests: identity.requests(),
        }
    }
}

impl App for QuickGet {
    type Body = Either<Full<Bytes>, Body>;

    fn answer(&self, mut request: Request<Incoming>, client: &Client) -> Answer<Self::Body> {
        let is_quick = request.method() == Method::GET && request.uri().path() == self.path;
        // The router has that path, too, and has the knobs break it.
        if is_quick && !self.chaos.concerns_requests() {
            self.answered.increment(1);
            self.requests.count();
            // The room that the request's headers took serves for the answer's.
            let mut headers = std::mem::take(request.headers_mut());
            headers.clear();
            return Answer::Now(json((self.answer)(), headers).map(Either::Left));
        }
        self.router.answer(request, client).map_body(Either::Right)
    }
}

fn json(text: Bytes, mut headers: HeaderMap) -> Response<Full<Bytes>> {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut response = Response::new(Full::new(text));
    *response.headers_mut() = headers;
    response
}
