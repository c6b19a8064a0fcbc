//! What is a call, and what is answered with which fault.

use chat_protocol::xmlrpc::{Fault, PeerCall, PeerEvent, multicall_xml};

use crate::examples::calls;

/// A call whose parameters are these values.
fn call(method: &str, values: &[&str]) -> Result<PeerCall, Fault> {
    let parameter = |value: &&str| format!("<param><value>{value}</value></param>");
    let parameters = values.iter().map(parameter).collect::<Vec<_>>().concat();
    let xml = format!("<methodCall><methodName>{method}</methodName><params>{parameters}</params></methodCall>");
    PeerCall::from_xml(xml.as_bytes())
}

fn fault(method: &str, values: &[&str]) -> String {
    let fault = call(method, values).unwrap_err();
    assert_eq!(fault.code, 1);
    fault.text
}

#[test]
fn calls_are_read_as_they_were_written() {
    for (call, _) in calls() {
        assert_eq!(PeerCall::from_xml(call.to_xml().as_bytes()), Ok(call));
    }
}

#[test]
fn several_calls_need_not_be_owned_to_be_written() {
    let calls: Vec<_> = calls().into_iter().map(|(call, _)| call).collect();
    let written = multicall_xml(&calls[..3]);
    let owned = PeerCall::Multicall(calls[..3].iter().cloned().map(Ok).collect());
    assert_eq!(written, owned.to_xml());
}

#[test]
fn an_unknown_method_has_the_fault_of_the_original() {
    assert_eq!(fault("dance", &[]), "<class 'Exception'>:method \"dance\" is not supported");
    assert!(Fault::unknown_method("dance").is_unknown_method());
    assert!(!call("join_room", &[]).unwrap_err().is_unknown_method());
    let long = fault(&"é".repeat(10_000), &[]);
    assert!(long.len() < 200, "{long}");
}

#[test]
fn a_wrong_number_of_parameters_is_a_type_error() {
    assert_eq!(fault("heartbeat", &["x"]), "<class 'TypeError'>:heartbeat() takes 0 parameters, not 1");
    assert_eq!(fault("join_room", &["r", "u"]), "<class 'TypeError'>:join_room() takes 3 parameters, not 2");
    assert_eq!(
        fault("commit_delete_room", &["r"]),
        "<class 'TypeError'>:commit_delete_room() takes 3 parameters, not 1"
    );
    let five = ["r", "u", "n", "because", "more"];
    assert!(fault("notify_member_disconnect", &five).starts_with("<class 'TypeError'>:"));
}

#[test]
fn a_value_of_another_type_is_a_type_error() {
    assert_eq!(
        fault("rollback_delete_room", &["r", "<int>1</int>"]),
        "<class 'TypeError'>:a parameter of rollback_delete_room() must be a string, not int"
    );
    assert_eq!(
        fault("receive_message_broadcast", &["r", "text"]),
        "<class 'TypeError'>:a message must be a struct, not string"
    );
    assert_eq!(
        fault("receive_message_broadcast", &["r", "<struct></struct>"]),
        "<class 'TypeError'>:message_id of a message is missing"
    );
}

#[test]
fn a_number_that_no_message_has_is_a_value_error() {
    let number = |number: &str| {
        let text = |name| format!("<member><name>{name}</name><value>x</value></member>");
        let texts: String = ["message_id", "room_id", "username", "content", "timestamp"].map(text).concat();
        let number = format!("<member><name>sequence_number</name><value><int>{number}</int></value></member>");
        call("receive_message_broadcast", &["r", &format!("<struct>{texts}{number}</struct>")])
    };
    assert!(number("0").is_ok());
    assert!(number("2147483647").is_ok());
    for wrong in ["-1", "2147483648", "4294967297"] {
        assert_eq!(number(wrong).unwrap_err().text, "<class 'ValueError'>:sequence_number is out of range");
    }
    assert!(number("99999999999999999999").is_err());
}

#[test]
fn content_that_is_no_text_is_told_from_text() {
    for content in ["<int>1</int>", "<array><data></data></array>", "<nil/>", "<double>1.5</double>"] {
        let call = call("forward_message", &["r", "u", content, "n"]);
        assert!(matches!(&call, Ok(PeerCall::ForwardMessage { content: None, .. })), "{call:?}");
    }
}

#[test]
fn an_event_of_another_type_is_read_whatever_its_data_is() {
    for data in ["text", "<struct><member><name>a</name><value><double>1</double></value></member></struct>"] {
        let call = call("receive_member_event_broadcast", &["r", "room_deleted", data]);
        let event = PeerEvent::Other("room_deleted".to_owned());
        assert_eq!(call, Ok(PeerCall::ReceiveMemberEventBroadcast { room_id: "r".to_owned(), event }));
    }
    let joined = fault("receive_member_event_broadcast", &["r", "member_joined", "text"]);
    assert_eq!(joined, "<class 'TypeError'>:a member event must be a struct, not string");
}

#[test]
fn among_several_calls_a_wrong_one_has_its_fault_in_its_place() {
    let entry = |method: &str| {
        format!(
            "<value><struct><member><name>methodName</name><value>{method}</value></member>\
             <member><name>params</name><value><array><data/></array></value></member></struct></value>"
        )
    };
    let entries = [&entry("heartbeat"), &entry("dance"), "<value>text</value>", &entry("system.multicall")].concat();
    let Ok(PeerCall::Multicall(calls)) = call("system.multicall", &[&format!("<array><data>{entries}</data></array>")])
    else {
        panic!("not read as several calls");
    };
    assert_eq!(calls[0], Ok(PeerCall::Heartbeat));
    assert_eq!(calls[1], Err(Fault::unknown_method("dance")));
    assert_eq!(
        calls[2].as_ref().unwrap_err().text,
        "<class 'TypeError'>:a call of system.multicall must be a struct, not string"
    );
    assert_eq!(calls[3], Err(Fault::unknown_method("system.multicall")));
    assert_eq!(calls.len(), 4);
}
