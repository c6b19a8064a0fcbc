//! What the replicas of a service say of themselves, read again and again between two decisions.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, StatusCode};
use service::metrics::HTTP_REQUESTS_IN_FLIGHT;
use service::outgoing;
use service::resolve::look_up;

use super::answer::body;
use super::options::{Place, REPLICAS_MAX};

/// Longest wait for the name server, and for one answer; whoever takes longer does not tell.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);

/// Longest text of figures that is read; a longer one tells nothing.
const METRICS_BYTES_MAX: usize = 1024 * 1024;

/// The replicas, and what each has said since the last sample.
#[derive(Debug)]
pub(crate) struct Readings {
    client: Client,
    place: Place,
    replicas: BTreeMap<SocketAddr, Reading>,
}

/// What all of them have said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// How many there are.
    pub(crate) found: u32,
    /// The mean of each that does not say that it does not serve; nothing for one that does not tell.
    pub(crate) in_flight: Vec<Option<f64>>,
    /// How many say that they do not serve.
    pub(crate) not_ready: u32,
}

/// What a replica has said.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    /// The sum of the figures, and how many these are.
    sum: f64,
    count: u32,
    /// What it was at the last look.
    last: Look,
}

/// What one look at a replica shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Look {
    /// It serves, and has so many requests in flight.
    Serves(f64),
    /// It says that it does not serve.
    NotReady,
    /// It does not tell.
    #[default]
    Silent,
}

impl Readings {
    /// Of the replicas behind this name.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub(crate) fn new(place: Place) -> anyhow::Result<Self> {
        let client = outgoing::client(LOOK_TIMEOUT, LOOK_TIMEOUT).timeout(LOOK_TIMEOUT).build()?;
        Ok(Self { client, place, replicas: BTreeMap::new() })
    }

    /// Asks all replicas that there are now. Swarm gives their name the addresses of those that are healthy.
    pub(crate) async fn look(&mut self) {
        // Who cannot be found does not tell.
        let mut found = look_up(&self.place.host, LOOK_TIMEOUT).await.unwrap_or_default();
        found.truncate(REPLICAS_MAX as usize);
        for address in &mut found {
            address.set_port(self.place.port);
        }
        let looks = join_all(found.iter().map(|address| look_at(&self.client, *address))).await;
        self.note(found.into_iter().zip(looks));
    }

    /// Takes in what was seen; who was not seen is gone.
    fn note(&mut self, looks: impl IntoIterator<Item = (SocketAddr, Look)>) {
        let before = std::mem::take(&mut self.replicas);
        for (address, look) in looks {
            let mut reading = before.get(&address).copied().unwrap_or_default();
            if let Look::Serves(in_flight) = look {
                reading.sum += in_flight;
                reading.count += 1;
            }
            reading.last = look;
            self.replicas.insert(address, reading);
        }
    }

    /// What was read since the last time that this was asked.
    pub(crate) fn take(&mut self) -> Seen {
        let replicas = std::mem::take(&mut self.replicas);
        let found = u32::try_from(replicas.len()).unwrap_or(u32::MAX);
        let mut seen = Seen { found, ..Seen::default() };
        for Reading { sum, count, last } in replicas.into_values() {
            match last {
                Look::Serves(_) => seen.in_flight.push(Some(sum / f64::from(count))),
                Look::NotReady => seen.not_ready += 1,
                Look::Silent => seen.in_flight.push(None),
            }
        }
        seen
    }
}

async fn look_at(client: &Client, address: SocketAddr) -> Look {
    match get(client, address, "/readyz").await {
        Some((StatusCode::OK, _)) => {}
        Some((StatusCode::SERVICE_UNAVAILABLE, _)) => return Look::NotReady,
        _ => return Look::Silent,
    }
    let metrics = get(client, address, "/metrics").await;
    let text =
        metrics.filter(|(status, _)| *status == StatusCode::OK).and_then(|(_, text)| String::from_utf8(text).ok());
    text.as_deref().and_then(in_flight).map_or(Look::Silent, Look::Serves)
}

async fn get(client: &Client, address: SocketAddr, path: &str) -> Option<(StatusCode, Vec<u8>)> {
    let response = client.get(format!("http://{address}{path}")).send().await.ok()?;
    Some((response.status(), body(response, METRICS_BYTES_MAX).await.ok()?))
}

/// The gauge in a text for Prometheus: the sum of its lines, if there are any, and all are numbers.
fn in_flight(metrics: &str) -> Option<f64> {
    let lines = metrics.lines().filter_map(|line| line.strip_prefix(HTTP_REQUESTS_IN_FLIGHT));
    let mut lines = lines.filter(|rest| rest.starts_with(['{', ' '])).peekable();
    lines.peek()?;
    // A time may follow the number, in others' texts.
    let number = |rest: &str| {
        let rest = rest.rsplit_once('}').map_or(rest, |(_, rest)| rest);
        rest.split_whitespace().next()?.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
    };
    lines.map(number).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauge_is_found_in_its_text() {
        let text = "# TYPE http_requests_in_flight gauge\nhttp_requests_in_flight 3\nhttp_requests_in_flight_max 7\n";
        assert_eq!(in_flight(text), Some(3.0));
        let labelled =
            "http_requests_in_flight{route=\"/a b\"} 2\nhttp_requests_in_flight{route=\"}\"} 0.5 1700000000\n";
        assert_eq!(in_flight(labelled), Some(2.5));
        for wrong in ["", "http_requests_total 1", "http_requests_in_flight x", "http_requests_in_flight -1"] {
            assert_eq!(in_flight(wrong), None, "{wrong}");
        }
        assert_eq!(in_flight("http_requests_in_flight{a=\"1\"} 2\nhttp_requests_in_flight{a=\"2\"} NaN\n"), None);
    }

    fn readings() -> Readings {
        Readings::new("tasks.api:9000".parse().unwrap()).unwrap()
    }

    fn replica(number: u8) -> SocketAddr {
        ([10, 0, 1, number], 8080).into()
    }

    #[test]
    fn a_replicas_figure_is_the_mean_of_what_it_has_said_since_the_last_time() {
        let mut readings = readings();
        readings.note([(replica(1), Look::Serves(2.0)), (replica(2), Look::Serves(9.0))]);
        readings.note([(replica(1), Look::Serves(4.0)), (replica(3), Look::Serves(1.0))]);
        assert_eq!(readings.take(), Seen { found: 2, in_flight: vec![Some(3.0), Some(1.0)], not_ready: 0 });
        readings.note([(replica(1), Look::Serves(8.0))]);
        assert_eq!(readings.take().in_flight, [Some(8.0)]);
        assert_eq!(readings.take(), Seen::default());
    }

    #[test]
    fn who_is_silent_at_last_does_not_tell_and_who_is_not_ready_does_not_serve() {
        let mut readings = readings();
        readings.note([(replica(1), Look::Serves(2.0)), (replica(2), Look::Serves(2.0))]);
        readings.note([(replica(1), Look::Silent), (replica(2), Look::NotReady)]);
        assert_eq!(readings.take(), Seen { found: 2, in_flight: vec![None], not_ready: 1 });
        readings.note([(replica(1), Look::Serves(2.0))]);
        readings.note([]);
        assert_eq!(readings.take(), Seen::default());
    }
}
