//! Reads bodies.

use std::borrow::Cow;

use crate::limits::{XMLRPC_BYTES_MAX, XMLRPC_DEPTH_MAX, XMLRPC_VALUES_MAX};

use super::fault::Fault;
use super::fields::Unexpected;
use super::not_xmlrpc::NotXmlRpc;
use super::parser::{Edge, Parser, Tag, is_blank};
use super::reply::Reply;
use super::value::Value;

/// Why a call brought no reply.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReplyError {
    /// The node refused to carry the call out.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// What came is no answer to a call.
    #[error("{0}")]
    NotXmlRpc(#[from] NotXmlRpc),
    /// What came is an answer to another call.
    #[error("unexpected reply: {0}")]
    Unexpected(#[from] Unexpected),
}

/// Reads the body of a response: the value that a call gave, or the fault.
///
/// # Errors
/// [`NotXmlRpc`], when it is neither.
pub fn read_response(body: &[u8]) -> Result<Result<Value<'_>, Fault>, NotXmlRpc> {
    let mut body = Body::new(body)?;
    body.parser.expect(Edge::Open(Tag::MethodResponse))?;
    let response = match body.parser.next_tag()? {
        Edge::Open(Tag::Params) => {
            body.parser.expect(Edge::Open(Tag::Param))?;
            let value = body.only_value()?;
            body.parser.expect(Edge::Close)?;
            Ok(value)
        }
        Edge::Open(Tag::Fault) => {
            let value = body.only_value()?;
            Err(Fault::from_value(value).map_err(|error| body.parser.wrong(error.to_string()))?)
        }
        _ => return Err(body.parser.wrong("neither params nor a fault")),
    };
    body.parser.expect(Edge::Close)?;
    body.parser.expect(Edge::End)?;
    Ok(response)
}

/// Reads the body of a response as the reply that is expected.
///
/// # Errors
/// [`ReplyError`], when it is another one or none.
pub fn read_reply<R: Reply>(body: &[u8]) -> Result<R, ReplyError> {
    Ok(R::from_value(read_response(body)??)?)
}

/// Reads the body of a request: the method's name and its parameters.
pub(super) fn read_call(body: &[u8]) -> Result<(Cow<'_, str>, Vec<Value<'_>>), NotXmlRpc> {
    let mut body = Body::new(body)?;
    body.parser.expect(Edge::Open(Tag::MethodCall))?;
    body.parser.expect(Edge::Open(Tag::MethodName))?;
    let name = body.parser.text()?;
    let mut parameters = Vec::new();
    match body.parser.next_tag()? {
        Edge::Close => {}
        Edge::Open(Tag::Params) => {
            loop {
                match body.parser.next_tag()? {
                    Edge::Open(Tag::Param) => parameters.push(body.only_value()?),
                    Edge::Close => break,
                    _ => return Err(body.parser.wrong("a parameter expected")),
                }
            }
            body.parser.expect(Edge::Close)?;
        }
        _ => return Err(body.parser.wrong("params expected")),
    }
    body.parser.expect(Edge::End)?;
    Ok((name, parameters))
}

struct Body<'a> {
    parser: Parser<'a>,
    values: usize,
}

impl<'a> Body<'a> {
    fn new(body: &'a [u8]) -> Result<Self, NotXmlRpc> {
        let parser = Parser::new(body);
        if body.len() > XMLRPC_BYTES_MAX {
            return Err(parser.wrong(format!("more than {XMLRPC_BYTES_MAX} bytes")));
        }
        Ok(Self { parser, values: 0 })
    }

    /// The value in the element that was just opened, and the element's end.
    fn only_value(&mut self) -> Result<Value<'a>, NotXmlRpc> {
        self.parser.expect(Edge::Open(Tag::Value))?;
        let value = self.value(1)?;
        self.parser.expect(Edge::Close)?;
        Ok(value)
    }

    /// What is in a `value` that was just opened, and its end. `depth` counts the values around it.
    fn value(&mut self, depth: usize) -> Result<Value<'a>, NotXmlRpc> {
        self.values += 1;
        if self.values > XMLRPC_VALUES_MAX || depth > XMLRPC_DEPTH_MAX {
            return Err(self.parser.wrong("too many values, or too deep"));
        }
        let tag = match self.parser.next()? {
            (text, Edge::Close) => return Ok(Value::Text(text)),
            (text, Edge::Open(tag)) if is_blank(&text) => tag,
            _ => return Err(self.parser.wrong("text and a tag in one value")),
        };
        let value = match tag {
            Tag::String => Value::Text(self.parser.text()?),
            Tag::Integer => Value::Integer(self.integer()?),
            Tag::Boolean => match self.parser.text()?.trim() {
                "0" => Value::Boolean(false),
                "1" => Value::Boolean(true),
                _ => return Err(self.parser.wrong("a boolean is 0 or 1")),
            },
            Tag::Nil => {
                self.parser.expect(Edge::Close)?;
                Value::Nil
            }
            Tag::Unused => {
                self.parser.text()?;
                Value::Unused
            }
            Tag::Array => self.array(depth)?,
            Tag::Struct => self.members(depth)?,
            _ => return Err(self.parser.wrong("the type of a value expected")),
        };
        self.parser.expect(Edge::Close)?;
        Ok(value)
    }

    fn integer(&mut self) -> Result<i64, NotXmlRpc> {
        let text = self.parser.text()?;
        text.trim().parse().map_err(|_| self.parser.wrong("a whole number expected"))
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, NotXmlRpc> {
        let mut values = Vec::new();
        self.parser.expect(Edge::Open(Tag::Data))?;
        loop {
            match self.parser.next_tag()? {
                Edge::Open(Tag::Value) => values.push(self.value(depth + 1)?),
                Edge::Close => break,
                _ => return Err(self.parser.wrong("a value of an array expected")),
            }
        }
        self.parser.expect(Edge::Close)?;
        Ok(Value::Array(values))
    }

    fn members(&mut self, depth: usize) -> Result<Value<'a>, NotXmlRpc> {
        let mut members = Vec::new();
        loop {
            match self.parser.next_tag()? {
                Edge::Open(Tag::Member) => {}
                Edge::Close => return Ok(Value::Struct(members)),
                _ => return Err(self.parser.wrong("a member of a struct expected")),
            }
            self.parser.expect(Edge::Open(Tag::Name))?;
            let name = self.parser.text()?;
            self.parser.expect(Edge::Open(Tag::Value))?;
            members.push((name, self.value(depth + 1)?));
            self.parser.expect(Edge::Close)?;
        }
    }
}
