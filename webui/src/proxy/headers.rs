//! The headers that are passed on.

use std::net::IpAddr;

use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// They concern one connection, not the request (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// A request's headers for the API: without those of the connection and of a body, which is not passed on;
/// with the browser's address behind those that are already there.
pub(crate) fn for_the_api(headers: &HeaderMap, client: IpAddr) -> HeaderMap {
    let mut passed_on = end_to_end(headers);
    for name in [HOST, CONTENT_LENGTH, EXPECT] {
        passed_on.remove(name);
    }
    // On `::`, IPv4 clients would look like `::ffff:192.0.2.7`.
    if let Ok(client) = HeaderValue::from_str(&client.to_canonical().to_string()) {
        passed_on.append(X_FORWARDED_FOR, client);
    }
    passed_on
}

/// An answer's headers for the browser.
pub(crate) fn for_the_browser(headers: &HeaderMap) -> HeaderMap {
    end_to_end(headers)
}

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut passed_on = headers.clone();
    // `Connection` names further ones.
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    for name in named.flat_map(|names| names.split(',')) {
        passed_on.remove(name.trim());
    }
    for name in HOP_BY_HOP {
        passed_on.remove(name);
    }
    passed_on
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn what_concerns_one_connection_is_not_passed_on() {
        let all = headers(&[
            ("connection", "close, X-Private"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("te", "trailers"),
            ("last-event-id", "7-0"),
        ]);
        assert_eq!(for_the_browser(&all), headers(&[("last-event-id", "7-0")]));
    }

    #[test]
    fn the_browsers_address_comes_behind_those_of_other_proxies() {
        let passed_on = for_the_api(
            &headers(&[("host", "page:8080"), ("content-length", "5"), ("x-forwarded-for", "192.0.2.1")]),
            "::ffff:192.0.2.7".parse().unwrap(),
        );
        assert_eq!(passed_on, headers(&[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "192.0.2.7")]));
    }
}
