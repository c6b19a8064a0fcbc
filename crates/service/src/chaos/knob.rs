//! The knobs, as they stand in JSON, with their limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Role, shown};

/// Longest time that a knob may be on: enough for Swarm to replace a task that hangs, which takes it some two minutes.
pub const KNOB_TIME_MAX: Duration = Duration::from_mins(10);

/// Longest time that requests may be made to wait; no client here waits that long.
pub const LATENCY_MAX: Duration = Duration::from_secs(30);

/// Most memory, in MiB, that may be held: more than any limit in our files, and less than the smallest machine has.
pub const MEMORY_MEBIBYTES_MAX: u64 = 512;

/// A way to break an instance.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Knob {
    /// Requests wait.
    Latency {
        /// So long, [`LATENCY_MAX`] at most.
        milliseconds: u64,
    },
    /// Requests fail.
    Errors {
        /// So many of a hundred.
        percent: u8,
    },
    /// `/readyz` says that the instance is not ready; it serves as before.
    NotReady {},
    /// Requests get no answer, nor do health checks.
    Hang {},
    /// Memory is held.
    Memory {
        /// So much, in MiB; [`MEMORY_MEBIBYTES_MAX`] at most.
        mebibytes: u64,
    },
    /// The process ends as in a crash. The one knob that takes no time.
    Exit {
        /// With this exit code.
        code: u8,
    },
}

/// A knob that is on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Turned {
    /// Its name, such as `latency`.
    pub knob: String,
    /// What it does, in a few words for people.
    pub effect: String,
    /// When it will be over.
    pub ends_in_seconds: f64,
}

/// What somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    /// A knob, for a time.
    TurnOn(Knob, Duration),
    /// The end, with this exit code.
    Exit(u8),
}

impl Knob {
    /// The names of all knobs.
    pub const NAMES: [&str; 6] = ["latency", "errors", "not-ready", "hang", "memory", "exit"];

    /// The knob's name, as in paths and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        let [latency, errors, not_ready, hang, memory, exit] = Self::NAMES;
        match self {
            Self::Latency { .. } => latency,
            Self::Errors { .. } => errors,
            Self::NotReady {} => not_ready,
            Self::Hang {} => hang,
            Self::Memory { .. } => memory,
            Self::Exit { .. } => exit,
        }
    }

    /// How long requests are made to wait.
    pub(super) fn latency(self) -> Option<Duration> {
        match self {
            Self::Latency { milliseconds } => Some(Duration::from_millis(milliseconds)),
            _ => None,
        }
    }

    /// How many of a hundred requests are to fail.
    pub(super) fn errors(self) -> Option<u8> {
        match self {
            Self::Errors { percent } => Some(percent),
            _ => None,
        }
    }

    /// Whether it is about requests.
    pub(super) fn concerns_requests(self) -> bool {
        matches!(self, Self::Latency { .. } | Self::Errors { .. } | Self::Hang {})
    }

    /// What it does to an instance of this role, in a few words.
    pub(super) fn effect(self, role: Role) -> String {
        match (self, role) {
            (Self::Latency { milliseconds }, Role::Server) => {
                format!("requests are answered {} later", shown(Duration::from_millis(milliseconds)))
            }
            (Self::Latency { milliseconds }, Role::Client) => {
                format!("requests are sent {} later", shown(Duration::from_millis(milliseconds)))
            }
            (Self::Errors { percent }, _) => format!("{percent} % of the requests fail"),
            (Self::NotReady {}, _) => "/readyz says that it is not ready".to_owned(),
            (Self::Hang {}, Role::Server) => "requests get no answer, nor do health checks".to_owned(),
            (Self::Hang {}, Role::Client) => "no requests are sent, and health checks get no answer".to_owned(),
            (Self::Memory { mebibytes }, _) => format!("{mebibytes} MiB of memory are held"),
            (Self::Exit { code }, _) => format!("the process ends, with exit code {code}"),
        }
    }

    /// Says what is accepted, if this is not.
    fn check(self) -> Result<(), String> {
        let most = LATENCY_MAX.as_millis();
        match self {
            Self::Latency { milliseconds } if milliseconds == 0 || u128::from(milliseconds) > most => {
                Err(format!("milliseconds is {milliseconds}: accepted are 1 to {most}"))
            }
            Self::Errors { percent } if percent == 0 || percent > 100 => {
                Err(format!("percent is {percent}: accepted are 1 to 100"))
            }
            Self::Memory { mebibytes } if mebibytes == 0 || mebibytes > MEMORY_MEBIBYTES_MAX => {
                Err(format!("mebibytes is {mebibytes}: accepted are 1 to {MEMORY_MEBIBYTES_MAX}"))
            }
            _ => Ok(()),
        }
    }
}

impl Order {
    /// Reads the order for the knob called `name`, which is one: `{"milliseconds":500,"for_seconds":30}`.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(super) fn read(name: &str, body: &[u8]) -> Result<Self, String> {
        let mut terms: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| format!("the body has to be JSON such as {{\"for_seconds\":30}}: {error}"))?;
        let time = terms.remove("for_seconds");
        let knob: Knob = serde_json::from_value(Value::from_iter([(name, Value::Object(terms))]))
            .map_err(|error| error.to_string())?;
        knob.check()?;
        match (knob, time) {
            (Knob::Exit { code }, None) => Ok(Self::Exit(code)),
            (Knob::Exit { .. }, Some(_)) => Err("for_seconds: an exit takes no time".to_owned()),
            (knob, time) => Ok(Self::TurnOn(knob, read_time(time.as_ref())?)),
        }
    }
}

fn read_time(seconds: Option<&Value>) -> Result<Duration, String> {
    let seconds = seconds.ok_or("for_seconds is missing: say how long")?;
    let time = seconds.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero() && *time <= KNOB_TIME_MAX).ok_or_else(|| {
        format!("for_seconds is {seconds}: accepted is a number above 0, {} at most", KNOB_TIME_MAX.as_secs())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(name: &str, body: &str) -> Result<Order, String> {
        Order::read(name, body.as_bytes())
    }

    #[test]
    fn every_knob_has_the_name_that_it_has_in_json() {
        let knobs = [
            Knob::Latency { milliseconds: 1 },
            Knob::Errors { percent: 1 },
            Knob::NotReady {},
            Knob::Hang {},
            Knob::Memory { mebibytes: 1 },
            Knob::Exit { code: 1 },
        ];
        for knob in knobs {
            let json = serde_json::to_value(knob).unwrap();
            assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), [knob.name()]);
        }
        assert_eq!(knobs.map(Knob::name), Knob::NAMES);
    }

    #[test]
    fn an_order_is_a_knob_and_its_time() {
        for (name, body, knob, seconds) in [
            ("latency", r#"{"milliseconds":500,"for_seconds":30}"#, Knob::Latency { milliseconds: 500 }, 30.0),
            ("errors", r#"{"percent":100,"for_seconds":0.5}"#, Knob::Errors { percent: 100 }, 0.5),
            ("not-ready", r#"{"for_seconds":600}"#, Knob::NotReady {}, 600.0),
            ("hang", r#"{"for_seconds":1}"#, Knob::Hang {}, 1.0),
            ("memory", r#"{"mebibytes":512,"for_seconds":1}"#, Knob::Memory { mebibytes: 512 }, 1.0),
        ] {
            let time = Duration::from_secs_f64(seconds);
            assert_eq!(order(name, body), Ok(Order::TurnOn(knob, time)), "{name}");
        }
        assert_eq!(order("exit", r#"{"code":3}"#), Ok(Order::Exit(3)));
    }

    #[test]
    fn what_is_beyond_a_limit_or_no_order_is_refused_with_what_is_accepted() {
        for (name, body, message) in [
            ("latency", r#"{"milliseconds":30001,"for_seconds":1}"#, "accepted are 1 to 30000"),
            ("latency", r#"{"milliseconds":0,"for_seconds":1}"#, "accepted are 1 to 30000"),
            ("latency", r#"{"milliseconds":"500","for_seconds":1}"#, "invalid type: string"),
            ("latency", r#"{"for_seconds":1}"#, "missing field `milliseconds`"),
            ("errors", r#"{"percent":101,"for_seconds":1}"#, "accepted are 1 to 100"),
            ("memory", r#"{"mebibytes":513,"for_seconds":1}"#, "accepted are 1 to 512"),
            ("exit", r#"{"code":256}"#, "expected u8"),
            ("exit", r#"{"code":1,"for_seconds":1}"#, "an exit takes no time"),
            ("hang", r#"{"for_seconds":601}"#, "600 at most"),
            ("hang", r#"{"for_seconds":0}"#, "above 0"),
            ("hang", r#"{"for_seconds":-1}"#, "above 0"),
            ("hang", "{}", "for_seconds is missing"),
            ("hang", r#"{"for_seconds":1,"percent":1}"#, "unknown field `percent`"),
            ("hang", "for_seconds=1", "the body has to be JSON"),
            ("hang", "", "the body has to be JSON"),
        ] {
            let error = order(name, body).unwrap_err();
            assert!(error.contains(message), "{name} {body}: {error}");
        }
    }
}
