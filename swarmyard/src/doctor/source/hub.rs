//! Docker Hub: how many pulls it still allows from here, and what time it has there.
//!
//! It speaks HTTPS, so `curl` asks. To ask costs no pull:
//! <https://docs.docker.com/docker-hub/usage/pulls/#view-hourly-pull-rate-and-limit>.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::docker::Info;
use super::program::{Silence, in_time, stdout};

/// The image that is there to be asked about.
const IMAGE: &str = "v2/ratelimitpreview/test/manifests/latest";

/// What Docker Hub says.
#[derive(Clone, Debug)]
pub(in crate::doctor) struct Hub {
    /// How many pulls are left from this address, without a login; where it does not say, there is no limit.
    pub(in crate::doctor) remaining: Option<u32>,
    /// How far the clock of this machine is ahead of the Hub's.
    pub(in crate::doctor) ahead: Option<SignedDuration>,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

/// Asks it, for no longer than `limit`, where the engine says that it is (`info`).
///
/// # Errors
/// When there is no engine or no curl, or no answer in time.
pub(in crate::doctor) async fn ask(
    limit: Duration,
    info: impl Future<Output = Result<Info, Silence>>,
) -> Result<Hub, Silence> {
    in_time(limit, "curl", async {
        let index = info.await?.index_server_address.filter(|index| !index.is_empty());
        let index = index.ok_or_else(|| Silence::Failed("no engine says where Docker Hub is".to_owned()))?;
        let image = format!("{}/{IMAGE}", index.trim_end_matches('/').trim_end_matches("/v1"));
        let refusal = head(&image, &[]).await?;
        let token = token_for(&refusal).ok_or_else(|| Silence::Failed("Docker Hub asks for no token".to_owned()))?;
        let token = stdout("curl", &["--silent", "--show-error", "--fail", &token]).await?;
        let token: Token = serde_json::from_str(&token)
            .map_err(|error| Silence::Failed(format!("Docker Hub gives no token: {error}")))?;
        let answer = head(&image, &["--header", &format!("Authorization: Bearer {}", token.token)]).await?;
        Ok(read(&answer, Timestamp::now()))
    })
    .await
}

async fn head(url: &str, options: &[&str]) -> Result<String, Silence> {
    stdout("curl", &[&["--silent", "--show-error", "--head"][..], options, &[url]].concat()).await
}

/// Where there is a token for whoever has none: what the head of a refusal says of it.
/// <https://distribution.github.io/distribution/spec/auth/token/>, "How to authenticate".
fn token_for(refusal: &str) -> Option<String> {
    let challenge = header(refusal, "www-authenticate")?;
    let part = |name: &str| challenge.split_once(&format!("{name}=\""))?.1.split('"').next();
    Some(format!("{}?service={}&scope={}", part("realm")?, part("service")?, part("scope")?))
}

/// The value of the last header of this name.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let headers = head.lines().filter_map(|line| line.split_once(':'));
    headers.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next_back()
}

/// Reads the head of an answer that came at the time `now`.
fn read(head: &str, now: Timestamp) -> Hub {
    // Such as `98;w=21600`: of the last six hours.
    let remaining = header(head, "ratelimit-remaining").and_then(|value| value.split(';').next()?.parse().ok());
    let time = header(head, "date").and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    Hub { remaining, ahead: time.map(|time| now.duration_since(time)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_where_there_is_a_token() {
        let refusal = "HTTP/2 401\r\nWWW-Authenticate: Bearer realm=\"https://a/t\",service=\"r\",scope=\"b:pull\"\r\n";
        assert_eq!(token_for(refusal).as_deref(), Some("https://a/t?service=r&scope=b:pull"));
        for other in ["HTTP/2 401", "WWW-Authenticate: Basic realm=\"https://a/t\"", "WWW-Authenticate: Bearer realm="]
        {
            assert_eq!(token_for(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_left_and_the_time_are_in_the_head() {
        let head = "HTTP/2 200\r\ndate: Sat, 28 Nov 2026 05:22:11 GMT\r\nRateLimit-Remaining: 98;w=21600\r\n";
        let hub = read(head, "2026-11-28T05:22:14Z".parse().unwrap());
        assert_eq!((hub.remaining, hub.ahead), (Some(98), Some(SignedDuration::from_secs(3))));
        let hub = read("HTTP/1.1 502 Bad Gateway", Timestamp::UNIX_EPOCH);
        assert_eq!((hub.remaining, hub.ahead), (None, None));
    }
}
