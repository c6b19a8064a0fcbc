//! The tags and the text of a body, without what XML-RPC gives no meaning to.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesRef, Event};
use quick_xml::name::QName;

use crate::text::is_carried;

use super::not_xmlrpc::NotXmlRpc;

/// The elements of XML-RPC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tag {
    MethodCall,
    MethodName,
    MethodResponse,
    Fault,
    Params,
    Param,
    Value,
    Nil,
    Boolean,
    Integer,
    String,
    Array,
    Data,
    Struct,
    Member,
    Name,
    /// A value of a type that the chat has no use for.
    Unused,
}

/// Where text ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Edge {
    Open(Tag),
    /// The end of the element that was opened last, and not closed yet.
    Close,
    /// The end of the body.
    End,
}

pub(super) struct Parser<'a> {
    reader: Reader<&'a [u8]>,
    /// The last element was written as `<tag/>`: its end is yet to be told.
    is_empty: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        let mut reader = Reader::from_reader(body);
        reader.config_mut().enable_all_checks(true);
        Self { reader, is_empty: false }
    }

    pub(super) fn wrong(&self, reason: impl Into<Cow<'static, str>>) -> NotXmlRpc {
        NotXmlRpc { position: self.reader.buffer_position(), reason: reason.into() }
    }

    /// The text up to the next tag, and which that is.
    pub(super) fn next(&mut self) -> Result<(Cow<'a, str>, Edge), NotXmlRpc> {
        let mut text = Cow::Borrowed("");
        if std::mem::take(&mut self.is_empty) {
            return Ok((text, Edge::Close));
        }
        loop {
            let event = self.reader.read_event();
            match event.map_err(|error| self.wrong(error.to_string()))? {
                Event::Text(part) => append(&mut text, part.xml10_content()),
                Event::CData(part) => append(&mut text, part.xml10_content()),
                Event::GeneralRef(reference) => {
                    text.to_mut().push(self.character(&reference)?);
                }
                Event::Start(start) => {
                    let tag = self.tag(start.name())?;
                    return self.edge(text, Edge::Open(tag));
                }
                Event::Empty(start) => {
                    let tag = self.tag(start.name())?;
                    self.is_empty = true;
                    return self.edge(text, Edge::Open(tag));
                }
                // The reader has checked that it closes what was opened last.
                Event::End(_) => return self.edge(text, Edge::Close),
                Event::Eof => return self.edge(text, Edge::End),
                Event::DocType(_) => return Err(self.wrong("a DTD is not accepted")),
                Event::Decl(declaration) => self.check_encoding(&declaration)?,
                Event::Comment(_) | Event::PI(_) => {}
            }
        }
    }

    /// The next tag, with nothing but white space before it.
    pub(super) fn next_tag(&mut self) -> Result<Edge, NotXmlRpc> {
        let (text, edge) = self.next()?;
        if is_blank(&text) { Ok(edge) } else { Err(self.wrong("text where a tag is expected")) }
    }

    /// Passes over the tag that must come next.
    pub(super) fn expect(&mut self, expected: Edge) -> Result<(), NotXmlRpc> {
        let edge = self.next_tag()?;
        if edge == expected { Ok(()) } else { Err(self.wrong(format!("{expected:?} expected, {edge:?} found"))) }
    }

    /// The text of the element that was just opened, and its end.
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, NotXmlRpc> {
        match self.next()? {
            (text, Edge::Close) => Ok(text),
            _ => Err(self.wrong("text and the end of its element expected")),
        }
    }

    fn edge(&self, text: Cow<'a, str>, edge: Edge) -> Result<(Cow<'a, str>, Edge), NotXmlRpc> {
        if is_plainly_carried(&text) || is_carried(&text) {
            Ok((text, edge))
        } else {
            Err(self.wrong("a character that XML does not allow"))
        }
    }

    fn character(&self, reference: &BytesRef<'_>) -> Result<char, NotXmlRpc> {
        match &**reference {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            _ => match reference.resolve_char_ref() {
                Ok(Some(character)) => Ok(character),
                Ok(None) => Err(self.wrong("an entity that XML does not define")),
                Err(error) => Err(self.wrong(error.to_string())),
            },
        }
    }

    fn tag(&self, name: QName<'_>) -> Result<Tag, NotXmlRpc> {
        // Some write `ex:nil`; the prefix means nothing.
        let tag = tag(name.as_ref()).or_else(|| tag(name.local_name().as_ref()));
        tag.ok_or_else(|| self.wrong("a tag that XML-RPC does not have"))
    }

    fn check_encoding(&self, declaration: &BytesDecl<'_>) -> Result<(), NotXmlRpc> {
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii") => Ok(()),
            Some(_) => Err(self.wrong("an encoding other than UTF-8")),
        }
    }
}

fn tag(name: &str) -> Option<Tag> {
    Some(match name {
        "value" => Tag::Value,
        "string" => Tag::String,
        "member" => Tag::Member,
        "name" => Tag::Name,
        "struct" => Tag::Struct,
        "array" => Tag::Array,
        "data" => Tag::Data,
        "int" | "i4" | "i1" | "i2" | "i8" => Tag::Integer,
        "boolean" => Tag::Boolean,
        "nil" => Tag::Nil,
        "params" => Tag::Params,
        "param" => Tag::Param,
        "methodCall" => Tag::MethodCall,
        "methodName" => Tag::MethodName,
        "methodResponse" => Tag::MethodResponse,
        "fault" => Tag::Fault,
        "double" | "float" | "bigdecimal" | "biginteger" | "base64" | "dateTime.iso8601" => Tag::Unused,
        _ => return None,
    })
}

/// Text of nothing but printable ASCII and most other letters needs no closer look. The loop has no early
/// exit so that it is compiled to vector instructions.
fn is_plainly_carried(text: &str) -> bool {
    // U+FFFE and U+FFFF begin with 0xEF.
    !text.bytes().fold(false, |is_special, byte| is_special | matches!(byte, 0..=0x1F | 0xEF))
}

fn append<'a>(text: &mut Cow<'a, str>, part: Cow<'a, str>) {
    if text.is_empty() {
        *text = part;
    } else {
        text.to_mut().push_str(&part);
    }
}

pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}
