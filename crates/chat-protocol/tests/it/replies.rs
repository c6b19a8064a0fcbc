//! What callers read from answers.

use chat_protocol::ErrorCode;
use chat_protocol::xmlrpc::{
    Fault, JoinReply, LeaveReply, MulticallReply, Outcome, ReplyError, Value, Vote, fault_xml, read_reply, response_xml,
};

use crate::examples::replies;

fn body(value: Value<'_>) -> Vec<u8> {
    response_xml(&value).into_bytes()
}

#[test]
fn replies_are_read_as_they_were_written() {
    for reply in replies() {
        let written = response_xml(&reply.value);
        assert!((reply.is_in)(written.as_bytes()), "{written}");
        assert!(!(reply.is_in)(&body("another".into())));
    }
}

#[test]
fn a_refusal_may_say_little() {
    let refused = body(Value::fields([("success", false.into())]));
    let (message, error_code) = (String::new(), ErrorCode::UNKNOWN_ERROR);
    assert_eq!(
        read_reply(&refused),
        Ok(JoinReply::Refused { message: message.clone(), error_code: error_code.clone() })
    );
    assert_eq!(read_reply(&refused), Ok(LeaveReply::Refused { message, error_code }));
    assert_eq!(read_reply(&refused), Ok(Outcome { success: false, node_id: String::new() }));
}

#[test]
fn a_vote_that_is_not_ready_is_no_consent() {
    let vote =
        |vote: &'static str| read_reply::<Vote>(&body(Value::fields([("vote", vote.into())]))).map(|vote| vote.ready);
    assert_eq!(vote("READY"), Ok(true));
    assert_eq!(vote("ABORT"), Ok(false));
    assert_eq!(vote("ready"), Ok(false));
    assert!(read_reply::<Vote>(&body(Value::fields([]))).is_err());
}

#[test]
fn keys_that_nobody_knows_are_ignored_and_the_last_of_a_name_counts() {
    let value = Value::fields([
        ("success", false.into()),
        ("surprise", Value::Array(vec![Value::Nil])),
        ("node_id", "node2".into()),
        ("success", true.into()),
    ]);
    assert_eq!(read_reply(&body(value)), Ok(Outcome { success: true, node_id: "node2".to_owned() }));
}

#[test]
fn a_fault_an_unexpected_reply_and_nonsense_are_told_apart() {
    let fault = Fault::new("Exception", "no");
    let fault_body = fault_xml(&fault).into_bytes();
    assert_eq!(read_reply::<bool>(&fault_body), Err(ReplyError::Fault(fault)));
    let text = body("yes".into());
    assert_eq!(
        read_reply::<bool>(&text).unwrap_err().to_string(),
        "unexpected reply: the reply must be a boolean, not string"
    );
    assert!(matches!(read_reply::<bool>(b"<html>"), Err(ReplyError::NotXmlRpc(_))));
}

#[test]
fn a_fault_has_its_fields_in_any_order() {
    let xml = "<methodResponse><fault><value><struct>\
        <member><name>faultString</name><value>no</value></member>\
        <member><name>faultCode</name><value><i4>-7</i4></value></member>\
        </struct></value></fault></methodResponse>";
    let fault = Fault { code: -7, text: "no".to_owned() };
    assert_eq!(read_reply::<bool>(xml.as_bytes()), Err(ReplyError::Fault(fault)));
}

#[test]
fn each_result_of_several_calls_stands_alone_in_an_array() {
    let bare = body(Value::Array(vec![true.into()]));
    assert!(read_reply::<MulticallReply>(&bare).is_err());
    let two = body(Value::Array(vec![Value::Array(vec![true.into(), true.into()])]));
    assert_eq!(
        read_reply::<MulticallReply>(&two).unwrap_err().to_string(),
        "unexpected reply: a result has 2 values, not one"
    );
}
