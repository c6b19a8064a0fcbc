//! How many requests are on their way: what tells a service with too few replicas from one with enough.
//!
//! Processor time does not: a replica that waits for somebody else is idle, and its users wait all the same.

use axum::body::{Body, HttpBody};
use axum::response::Response;
use metrics::{Gauge, Unit, describe_gauge, gauge};

use crate::guarded::Guarded;
use crate::metrics::ABOUT_ITSELF;

/// The gauge's name.
pub const HTTP_REQUESTS_IN_FLIGHT: &str = "http_requests_in_flight";

/// Has the gauge shown from the start: none at all and no requests are two things.
pub(crate) fn describe() {
    describe_gauge!(HTTP_REQUESTS_IN_FLIGHT, Unit::Count, "HTTP requests whose answers are still to come, or go on");
    gauge!(HTTP_REQUESTS_IN_FLIGHT).set(0);
}

/// A request on its way, until this is dropped: with its answer, or with its connection.
pub(crate) struct InFlight(Gauge);

impl InFlight {
    /// Counts a request of this route, unless it is about the instance itself.
    pub(crate) fn begin(route: &str) -> Option<Self> {
        if ABOUT_ITSELF.contains(&route) {
            return None;
        }
        let gauge = gauge!(HTTP_REQUESTS_IN_FLIGHT);
        gauge.increment(1);
        Some(Self(gauge))
    }

    /// An answer of which all is known ends its request; any other one does when its body ends.
    pub(crate) fn end_with(self, response: Response) -> Response {
        if response.body().size_hint().exact().is_some() {
            return response;
        }
        response.map(|body| Body::new(Guarded::new(body, self)))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
