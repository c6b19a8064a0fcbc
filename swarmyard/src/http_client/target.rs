//! Where requests go, and what they say.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use reqwest::Url;

/// Example for messages: the producer, where `swarmyard up` and `docker compose up` have it.
const EXAMPLE: &str = "http://localhost:5000/number";

/// An HTTP address, and the `GET` of it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    url: Url,
    host: String,
    /// Path and query, as they stand in a request.
    uri: Uri,
    headers: HeaderMap,
}

impl Target {
    /// The host, without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port, which is 80 where none is said.
    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(80)
    }

    /// What has this name in the same folder: `/numbers/whoami` beside `/numbers/number`; nothing where that is too
    /// long for an address.
    pub(crate) fn sibling(&self, name: &str) -> Option<Self> {
        let (folder, _) = self.uri.path().rsplit_once('/')?;
        let uri = format!("{folder}/{name}").parse().ok()?;
        Some(Self { uri, ..self.clone() })
    }

    /// The same for requests that are their connection's last.
    pub(crate) fn closing(mut self) -> Self {
        self.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        self
    }

    /// A request, which any connection to the host may send.
    pub(crate) fn request(&self) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

impl FromStr for Target {
    /// For people.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let wrong = || format!("accepted is an HTTP address such as {EXAMPLE}");
        let mut url: Url = with_scheme.parse().map_err(|_| wrong())?;
        if url.scheme() != "http" {
            return Err(format!("{}:// is not spoken here; {}", url.scheme(), wrong()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("a user and a password cannot be sent; {}", wrong()));
        }
        url.set_fragment(None);
        let host = url.host_str().ok_or_else(wrong)?;
        let host_and_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let host = host.trim_matches(['[', ']']).to_owned();
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        let uri = format!("{}{query}", url.path()).parse().map_err(|_| wrong())?;
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(&host_and_port).map_err(|_| wrong())?);
        let agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        Ok(Self { url, host, uri, headers })
    }
}

impl Display for Target {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.url.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn an_address_becomes_host_port_and_path() {
        for (text, host, port, header, uri) in [
            ("http://localhost:5000/number", "localhost", 5000, "localhost:5000", "/number"),
            ("pi1:8080", "pi1", 8080, "pi1:8080", "/"),
            ("http://pi1", "pi1", 80, "pi1", "/"),
            ("http://[::1]:5000/a?b=c&d#e", "::1", 5000, "[::1]:5000", "/a?b=c&d"),
            ("http://pi1/ü ", "pi1", 80, "pi1", "/%C3%BC"),
        ] {
            let target = target(text);
            let request = target.request();
            assert_eq!((target.host(), target.port()), (host, port), "{text}");
            assert_eq!(request.headers()[HOST], header, "{text}");
            assert_eq!(request.uri(), uri, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_is_accepted() {
        for wrong in ["", "http://", "http://:5000", "ftp://pi1/", "http://alice:secret@pi1/", "http://pi1:99999/"] {
            let error = wrong.parse::<Target>().unwrap_err();
            assert!(error.contains(EXAMPLE), "{wrong:?}: {error}");
        }
        assert!("https://pi1".parse::<Target>().unwrap_err().starts_with("https:// is not spoken here"));
    }

    #[test]
    fn the_last_request_of_a_connection_says_so() {
        assert_eq!(target("pi1").request().headers().get(CONNECTION), None);
        assert_eq!(target("pi1").closing().request().headers()[CONNECTION], "close");
    }

    #[test]
    fn a_sibling_is_in_the_same_folder_of_the_same_host() {
        for (text, expected) in [
            ("pi1:5000", "/whoami"),
            ("pi1:5000/number?x=/y", "/whoami"),
            ("pi1:5000/numbers/number", "/numbers/whoami"),
            ("pi1:5000/api/", "/api/whoami"),
        ] {
            let request = target(text).sibling("whoami").unwrap().request();
            assert_eq!(request.uri(), expected, "{text}");
            assert_eq!(request.headers()[HOST], "pi1:5000");
        }
    }
}
