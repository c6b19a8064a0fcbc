//! The forms of XML-RPC that are read, and those that are refused.

use chat_protocol::limits::{XMLRPC_BYTES_MAX, XMLRPC_DEPTH_MAX, XMLRPC_VALUES_MAX};
use chat_protocol::xmlrpc::{NotXmlRpc, PeerCall, Value, read_response, response_xml};

fn response(value: &str) -> String {
    format!("<methodResponse><params><param>{value}</param></params></methodResponse>")
}

fn read(value: &str) -> Result<Value<'static>, NotXmlRpc> {
    read_response(response(value).as_bytes()).map(|response| response.unwrap().into_owned())
}

#[track_caller]
fn is(value: &str, expected: Value<'_>) {
    assert_eq!(read(value), Ok(expected.into_owned()), "{value}");
}

#[track_caller]
fn refused(value: &str, reason: &str) {
    let error = read(value).unwrap_err().to_string();
    assert!(error.contains(reason), "{value}: {error}");
}

#[test]
fn text_is_read_as_it_is_with_or_without_its_type() {
    is("<value><string>two  words</string></value>", "two  words".into());
    is("<value> two  words\n</value>", " two  words\n".into());
    is("<value>\n <string> x </string>\n</value>", " x ".into());
    for empty in ["<value/>", "<value></value>", "<value><string/></value>", "<value><string></string></value>"] {
        is(empty, "".into());
    }
}

#[test]
fn references_sections_and_comments_are_resolved() {
    is("<value>&lt;&gt;&amp;&quot;&apos;&#13;&#x1F98A;&#233;</value>", "<>&\"'\r🦊é".into());
    is("<value>a<![CDATA[<b>&amp;]]>c</value>", "a<b>&amp;c".into());
    is("<value><!-- before --><string>a<!-- in -->b<?and this?></string></value>", "ab".into());
}

#[test]
fn line_ends_are_those_of_xml() {
    is("<value>a\r\nb\rc\nd&#13;\ne</value>", "a\nb\nc\nd\r\ne".into());
}

#[test]
fn numbers_and_truth_values_are_read() {
    for number in ["<int>-7</int>", "<i4>-7</i4>", "<i8> -7\n</i8>", "<i1>-7</i1>", "<i2>-7</i2>"] {
        is(&format!("<value>{number}</value>"), Value::Integer(-7));
    }
    is("<value><boolean>1</boolean></value>", true.into());
    is("<value><boolean>0</boolean></value>", false.into());
    is("<value><nil/></value>", Value::Nil);
    is("<value><ex:nil/></value>", Value::Nil);
    is("<value><double>1.5</double></value>", Value::Unused);
    refused("<value><boolean>2</boolean></value>", "a boolean is 0 or 1");
    refused("<value><int>seven</int></value>", "a whole number expected");
    refused("<value><int></int></value>", "a whole number expected");
}

#[test]
fn white_space_between_tags_means_nothing() {
    let list =
        "\n<value>\n<array>\n<data>\n<value>a</value>\n <value><int>1</int></value></data>\t</array>\r\n</value> ";
    is(list, Value::Array(vec!["a".into(), Value::Integer(1)]));
    let named = "<value> <struct>\n<member> <name>a</name>\n<value>b</value> </member> </struct></value>";
    is(named, Value::fields([("a", "b".into())]));
    is("<value><array><data/></array></value>", Value::Array(Vec::new()));
    is("<value><struct/></value>", Value::fields([]));
}

#[test]
fn a_request_may_have_no_params_and_a_declaration() {
    for xml in [
        "<methodCall><methodName>heartbeat</methodName></methodCall>",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<methodCall>\n<methodName>heartbeat</methodName>\n<params/></methodCall>\n",
        "\u{FEFF}<?xml version='1.0' encoding='US-ASCII'?><methodCall><methodName>heartbeat</methodName><params>\n</params></methodCall>",
    ] {
        assert_eq!(PeerCall::from_xml(xml.as_bytes()), Ok(PeerCall::Heartbeat), "{xml}");
    }
    let latin =
        "<?xml version='1.0' encoding='iso-8859-1'?><methodCall><methodName>heartbeat</methodName></methodCall>";
    assert!(PeerCall::from_xml(latin.as_bytes()).unwrap_err().text.contains("an encoding other than UTF-8"));
}

#[test]
fn what_is_not_xml_rpc_is_refused_and_told() {
    for (body, reason) in [
        ("", "found"),
        ("{\"type\":\"x\"}", "text where a tag is expected"),
        ("<html></html>", "a tag that XML-RPC does not have"),
        ("<methodCall><methodName>heartbeat", "at byte 33"),
        ("<methodCall><methodName>heartbeat</methodName></methodCall>x", "text where"),
        ("<methodCall><methodName>heartbeat</methodName></methodResponse>", "methodResponse"),
        ("<methodCall><methodName>heartbeat</methodName></methodCall><methodCall/>", "found"),
    ] {
        let fault = PeerCall::from_xml(body.as_bytes()).unwrap_err();
        assert!(fault.text.starts_with("<class 'xml.parsers.expat.ExpatError'>:not XML-RPC: "), "{}", fault.text);
        assert!(fault.text.contains(reason), "{body}: {}", fault.text);
    }
    let not_text = b"<methodCall><methodName>\xff</methodName></methodCall>";
    assert!(PeerCall::from_xml(not_text).is_err());
    refused("<value>a<int>1</int></value>", "text and a tag in one value");
    refused("<value><int>1</int>a</value>", "text where a tag is expected");
    refused("<value><struct><member><value>a</value></member></struct></value>", "expected");
}

#[test]
fn characters_that_xml_cannot_carry_are_refused() {
    for bad in ["\u{1}", "\0", "\u{FFFE}", "\u{FFFF}", "&#1;", "&#0;", "&#xFFFE;", "&#xD800;", "&#x110000;"] {
        refused(&format!("<value>a{bad}b</value>"), "at byte");
    }
    is("<value>\u{FEFF}\u{FFFD}\u{7F}</value>", "\u{FEFF}\u{FFFD}\u{7F}".into());
}

#[test]
fn what_must_not_be_sent_does_not_spoil_what_is_sent() {
    let written = response_xml(&"a\u{1}b\u{FFFE}c\u{FEFF}".into());
    let read = read_response(written.as_bytes()).unwrap().unwrap();
    assert_eq!(read, "a\u{FFFD}b\u{FFFD}c\u{FEFF}".into());
}

#[test]
fn entities_are_not_expanded() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    let error = read_response(format!("{bomb}{}", response("<value>&b;</value>")).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("a DTD is not accepted"), "{error}");
    refused("<value>&b;</value>", "an entity that XML does not define");
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| {
        format!(
            "{}<value>x</value>{}",
            "<value><array><data>".repeat(depth - 1),
            "</data></array></value>".repeat(depth - 1)
        )
    };
    assert!(read(&nested(XMLRPC_DEPTH_MAX)).is_ok());
    refused(&nested(XMLRPC_DEPTH_MAX + 1), "too deep");
    refused(&nested(200_000), "too deep");
    refused(&"<value><array><data>".repeat(1_000_000), "too deep");
}

#[test]
fn number_and_size_are_limited() {
    let list = |values: usize| format!("<value><array><data>{}</data></array></value>", "<value/>".repeat(values));
    assert!(read(&list(XMLRPC_VALUES_MAX - 1)).is_ok());
    refused(&list(XMLRPC_VALUES_MAX), "too many values");
    refused(&format!("<value>{}</value>", "x".repeat(XMLRPC_BYTES_MAX)), "more than 33554432 bytes");
}
