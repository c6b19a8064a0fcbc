//! What HTTP asks of every server, whatever is at which path.

use axum::http::header::HOST;
use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, Method, Request, StatusCode, Version};

use crate::error::HttpError;

/// Brings the path into its normal form, in which an unreserved character stands for itself (RFC 3986,
/// section 6.2.2.2): `/%6eumber` becomes `/number`.
///
/// # Errors
/// When HTTP has the request refused: for its `Host` (RFC 9112, section 3.2), or for a target that this server,
/// which is no proxy, cannot have (section 3.2.4).
pub(crate) fn normalise<B>(request: &mut Request<B>) -> Result<(), HttpError> {
    check_host(request.version(), request.headers())?;
    let path = request.uri().path();
    if *request.method() == Method::CONNECT {
        let message = "CONNECT asks for a tunnel: this is no proxy, so ask for a path, with GET";
        return Err(HttpError::new(StatusCode::NOT_IMPLEMENTED, message));
    }
    if !path.starts_with('/') && !is_about_the_whole_server(request.method(), request.uri()) {
        return Err(bad_request("the request's target is no path: it has to begin with /"));
    }
    if path.contains('%')
        && let Some(uri) = with_path(request.uri(), &decode_unreserved(path))
    {
        *request.uri_mut() = uri;
    }
    Ok(())
}

/// `OPTIONS *`, which asks for no path, but what the server can do as such.
pub(crate) fn is_about_the_whole_server(method: &Method, uri: &Uri) -> bool {
    *method == Method::OPTIONS && uri.path() == "*"
}

fn check_host(version: Version, headers: &HeaderMap) -> Result<(), HttpError> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (None, _) => Err(bad_request("the request has no header Host, which HTTP/1.1 asks for")),
        (Some(_), Some(_)) => Err(bad_request("the request has more than one header Host")),
        // A client that knows no host says so.
        (Some(host), None) if host.is_empty() || is_host(host.as_bytes()) => Ok(()),
        (Some(_), None) => Err(bad_request("the header Host is no host: it has to be NAME or NAME:PORT")),
    }
}

fn is_host(text: &[u8]) -> bool {
    // With a user in it, it is an authority, but no host.
    is_plain_host(text) || (!text.contains(&b'@') && Authority::try_from(text).is_ok())
}

/// Whether the text is a host as nearly all are: letters, digits, dots and hyphens, perhaps with a port. The
/// parser, which knows the others, copies what it reads, and that is seen in `bench/numbers`.
fn is_plain_host(text: &[u8]) -> bool {
    let (name, port) = match text.iter().rposition(|byte| *byte == b':') {
        Some(colon) => (&text[..colon], &text[colon + 1..]),
        None => (text, &[][..]),
    };
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    // Up to 9999 without a calculation, and up to 59999 of the others.
    let is_small = port.len() < 5 || (port.len() == 5 && port[0] < b'6');
    !name.is_empty() && name.iter().all(is_of_name) && is_small && port.iter().all(u8::is_ascii_digit)
}

/// The same place with another path; none if that is not one.
fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    parts.path_and_query = Some(path_and_query.parse().ok()?);
    Uri::from_parts(parts).ok()
}

fn decode_unreserved(path: &str) -> String {
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, encoded)) = rest.split_once('%') {
        decoded.push_str(before);
        rest = if let Some(character) = unreserved(encoded) {
            decoded.push(character);
            &encoded[2..]
        } else {
            decoded.push('%');
            encoded
        };
    }
    decoded + rest
}

/// The unreserved character (RFC 3986, section 2.3) whose code the text begins with.
fn unreserved(text: &str) -> Option<char> {
    let code = text.get(..2).filter(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    let character = char::from(u8::from_str_radix(code, 16).ok()?);
    (character.is_ascii_alphanumeric() || "-._~".contains(character)).then_some(character)
}

fn bad_request(message: &str) -> HttpError {
    HttpError::new(StatusCode::BAD_REQUEST, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_unreserved_character_is_decoded_and_no_other() {
        for (path, decoded) in [
            ("/%6eumber", "/number"),
            ("/%6E%75%6d%62%65%72", "/number"),
            ("/%2d%2E%5f%7E", "/-._~"),
            ("/a%2Fb%3f%25%20%C3%BC", "/a%2Fb%3f%25%20%C3%BC"),
            ("/%256e", "/%256e"),
            ("/%", "/%"),
            ("/%6", "/%6"),
            ("/%+6/%6ü%zz", "/%+6/%6ü%zz"),
        ] {
            assert_eq!(decode_unreserved(path), decoded, "{path}");
        }
    }

    #[test]
    fn the_query_stays_as_it_is() {
        let mut request = Request::get("/%6eumber?x=%6e").header(HOST, "pi").body(()).unwrap();
        normalise(&mut request).unwrap();
        assert_eq!(request.uri(), "/number?x=%6e");
    }

    #[test]
    fn a_host_is_a_name_or_an_address_perhaps_with_a_port() {
        for host in ["pi", "pi:5000", "my_app_node1:9090", "192.0.2.7:80", "[::1]:5000"] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in ["bob@pi", "pi/number", "two names", "http://pi", "p\u{fc}"] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }
}
