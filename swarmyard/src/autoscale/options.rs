//! The options of `swarmyard autoscale`.

use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use service::ServiceConfig;
use service::value::{ip_address, port, positive_duration};

use super::decide::Rules;

/// What `--help` says beside the options.
pub(crate) const MANUAL: &str = "\
Each replica says at /metrics how many requests it has in flight (http_requests_in_flight). It is asked fifteen times
in an --interval, and then there are to be as many replicas as bring the mean of each to --target. A tenth more or less
changes nothing. More replicas come at once, at most as many as there are, or four; some go when they were too many for
all of --window, and what was before the start counts as needed. What does not tell counts against every change, and
while the service is updated, nothing is changed. Each decision is a sentence of the log.

The engine, a manager's, is asked through a proxy that lets nothing else through: deploy/autoscale.yml, to be added to
stack.yml, brings it.

Ctrl-C ends it; the replicas stay. Exit codes: 0 ended so, 1 it cannot work, 2 wrong usage.";

/// Most replicas: so many are asked at a time.
pub(crate) const REPLICAS_MAX: u32 = 100;

/// Highest number of requests that each replica is to have in flight.
const TARGET_MAX: f64 = 10_000.0;

/// The options of `swarmyard autoscale`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// The service, as docker service ls calls it
    #[arg(value_name = "SERVICE", value_parser = service_name)]
    pub(crate) service_name: String,

    /// Where its replicas are: a name that stands for all of them, and the port of their /metrics
    #[arg(long, value_name = "tasks.SERVICE:PORT")]
    pub(crate) metrics: Place,

    /// Fewest and most replicas, from 1 to 100
    #[arg(long, value_name = "MIN-MAX", default_value = "1-10")]
    pub(crate) replicas: Bounds,

    /// How many requests each replica is to have in flight
    #[arg(long, value_name = "NUMBER", default_value = "10", value_parser = target)]
    pub(crate) target: f64,

    /// Time between two decisions
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = positive_duration)]
    pub(crate) interval: Duration,

    /// How long fewer replicas must have been enough before some go
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = positive_duration)]
    pub(crate) window: Duration,

    /// Change nothing, and say what would be changed
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// The engine's proxy
    #[arg(long, value_name = "URL", default_value = "http://engine-proxy:2375", value_parser = engine_url)]
    pub(crate) engine: Url,

    /// Address for the page that shows what is seen and done
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0", value_parser = ip_address)]
    pub(crate) host: IpAddr,

    /// Port of the page
    #[arg(long, value_name = "PORT", default_value = "8090", value_parser = port)]
    pub(crate) port: u16,

    /// What every service has.
    #[command(flatten)]
    pub(crate) service: ServiceConfig,
}

impl Options {
    /// What decisions go by.
    pub(crate) fn rules(&self) -> Rules {
        let Bounds { min, max } = self.replicas;
        Rules { min, max, target: self.target, window: self.window }
    }
}

/// A host's name and a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl FromStr for Place {
    /// For people.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parts {
            Some((host, port)) if is_name(host) && port > 0 => Ok(Self { host: host.to_owned(), port }),
            _ => Err("accepted is a name and a port such as tasks.api:9000".to_owned()),
        }
    }
}

impl Display for Place {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// Fewest and most replicas.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Bounds {
    /// At least one.
    pub(crate) min: u32,
    /// At most [`REPLICAS_MAX`], and no fewer than `min`.
    pub(crate) max: u32,
}

impl FromStr for Bounds {
    /// For people.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bounds = text.split_once('-').and_then(|(min, max)| Some((min.parse().ok()?, max.parse().ok()?)));
        match bounds {
            Some((min, max)) if 1 <= min && min <= max && max <= REPLICAS_MAX => Ok(Self { min, max }),
            _ => Err(format!("accepted are two numbers from 1 to {REPLICAS_MAX}, such as 1-10")),
        }
    }
}

fn target(text: &str) -> Result<f64, String> {
    let target = text.parse().ok().filter(|target| *target > 0.0 && *target <= TARGET_MAX);
    target.ok_or_else(|| format!("accepted is a number above 0, and at most {TARGET_MAX}"))
}

/// A name as Docker has them, which is also a part of a path.
fn service_name(text: &str) -> Result<String, String> {
    is_name(text).then(|| text.to_owned()).ok_or_else(|| "accepted is a service's name such as yard_api".to_owned())
}

fn is_name(text: &str) -> bool {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&sign);
    text.starts_with(|sign: char| sign.is_ascii_alphanumeric()) && text.chars().all(is_sign)
}

fn engine_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "http" && url.has_host() && url.path() == "/");
    url.ok_or_else(|| "accepted is an address such as http://engine-proxy:2375".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_two_numbers_in_their_order() {
        assert_eq!("1-10".parse(), Ok(Bounds { min: 1, max: 10 }));
        assert_eq!("100-100".parse(), Ok(Bounds { min: 100, max: 100 }));
        for wrong in ["", "3", "0-3", "5-4", "1-101", "1--2", "1-2-3", "a-b"] {
            assert!(wrong.parse::<Bounds>().is_err_and(|error| error.contains("such as 1-10")), "{wrong}");
        }
    }

    #[test]
    fn a_place_is_a_name_and_a_port() {
        assert_eq!("tasks.api:9000".parse(), Ok(Place { host: "tasks.api".to_owned(), port: 9000 }));
        for wrong in ["", "tasks.webui", ":8080", "tasks.webui:0", "tasks.webui:http", "http://webui:8080", "a b:1"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_that_would_lead_to_another_path_is_none() {
        assert_eq!(service_name("yard_webui"), Ok("yard_webui".to_owned()));
        for wrong in ["", "yard/webui", "..", "yard_webui?x", "-x", "yard webui"] {
            assert!(service_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_engine_is_asked_at_an_http_address_without_a_path() {
        assert!(engine_url("http://engine-proxy:2375").is_ok());
        for wrong in ["engine:2375", "unix:///var/run/docker.sock", "https://engine:2376", "http://engine/v1.44"] {
            assert!(engine_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_target_is_a_number_above_zero() {
        assert_eq!(target("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "NaN", "inf", "many", "10001"] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }
}
