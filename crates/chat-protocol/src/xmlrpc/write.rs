//! Writes bodies.

use super::fault::Fault;
use super::value::Value;

/// What precedes the methods and responses. Python's parser needs no more.
const DECLARATION: &str = "<?xml version='1.0'?>";

/// Stands for a character that XML cannot carry. Nodes refuse such text where it comes in (protocol,
/// section 12, row 6), so that this keeps one slip from making everything else unreadable.
const REPLACEMENT: &str = "\u{FFFD}";

/// The body of the response that gives this value.
#[must_use]
pub fn response_xml(value: &Value<'_>) -> String {
    let mut out = String::from(DECLARATION);
    out.push_str("<methodResponse><params><param>");
    write_value(&mut out, value);
    out.push_str("</param></params></methodResponse>");
    out
}

/// The body of the response that gives this fault.
#[must_use]
pub fn fault_xml(fault: &Fault) -> String {
    let mut out = String::from(DECLARATION);
    out.push_str("<methodResponse><fault>");
    write_value(&mut out, &fault.to_value());
    out.push_str("</fault></methodResponse>");
    out
}

/// Opens a call; [`end_call`] ends it. Between them stand parameters.
pub(super) fn start_call(out: &mut String, method: &str) {
    out.push_str(DECLARATION);
    out.push_str("<methodCall><methodName>");
    write_text(out, method);
    out.push_str("</methodName><params>");
}

pub(super) fn write_parameter(out: &mut String, value: &Value<'_>) {
    out.push_str("<param>");
    write_value(out, value);
    out.push_str("</param>");
}

pub(super) fn end_call(out: &mut String) {
    out.push_str("</params></methodCall>");
}

pub(super) fn write_value(out: &mut String, value: &Value<'_>) {
    out.push_str("<value>");
    match value {
        Value::Nil | Value::Unused => out.push_str("<nil/>"),
        Value::Boolean(false) => out.push_str("<boolean>0</boolean>"),
        Value::Boolean(true) => out.push_str("<boolean>1</boolean>"),
        Value::Integer(integer) => {
            out.push_str("<int>");
            out.push_str(&integer.to_string());
            out.push_str("</int>");
        }
        Value::Text(text) => {
            out.push_str("<string>");
            write_text(out, text);
            out.push_str("</string>");
        }
        Value::Array(values) => {
            out.push_str("<array><data>");
            for value in values {
                write_value(out, value);
            }
            out.push_str("</data></array>");
        }
        Value::Struct(fields) => {
            out.push_str("<struct>");
            for (name, value) in fields {
                out.push_str("<member><name>");
                write_text(out, name);
                out.push_str("</name>");
                write_value(out, value);
                out.push_str("</member>");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>");
}

/// Writes text with `&`, `<`, `>` and carriage return escaped: a parser takes a plain carriage return
/// for a line feed (protocol, section 12, row 7).
fn write_text(out: &mut String, text: &str) {
    let mut written = 0;
    for (position, byte) in text.bytes().enumerate() {
        if !IS_SPECIAL[usize::from(byte)] {
            continue;
        }
        let (instead, length) = match byte {
            b'&' => ("&amp;", 1),
            b'<' => ("&lt;", 1),
            b'>' => ("&gt;", 1),
            b'\r' => ("&#13;", 1),
            // U+FFFE and U+FFFF begin with this byte, as others do that are carried.
            0xEF if !matches!(&text.as_bytes()[position..], [_, 0xBF, 0xBE | 0xBF, ..]) => continue,
            0xEF => (REPLACEMENT, 3),
            _ => (REPLACEMENT, 1),
        };
        out.push_str(&text[written..position]);
        out.push_str(instead);
        written = position + length;
    }
    out.push_str(&text[written..]);
}

/// The bytes that need a closer look.
const IS_SPECIAL: [bool; 256] = {
    let mut is_special = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        is_special[control] = control != 0x09 && control != 0x0A;
        control += 1;
    }
    is_special[b'&' as usize] = true;
    is_special[b'<' as usize] = true;
    is_special[b'>' as usize] = true;
    is_special[0xEF] = true;
    is_special
};
