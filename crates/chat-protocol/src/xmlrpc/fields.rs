//! Takes typed fields out of values.

use std::borrow::Cow;

use crate::server_message::ErrorCode;

use super::value::Value;

/// Why values are not what a method takes or gives.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unexpected {
    /// Something is missing, too much, or of another type.
    #[error("{0}")]
    Type(String),
    /// A number is too large or too small.
    #[error("{0} is out of range")]
    Range(String),
}

impl Unexpected {
    pub(super) fn kind(what: &str, expected: &str, got: &Value<'_>) -> Self {
        Self::Type(format!("{what} must be {expected}, not {}", got.kind()))
    }

    pub(super) fn range(what: &str) -> Self {
        Self::Range(what.to_owned())
    }
}

/// Largest number that a field takes: XML-RPC's integers have 32 bits.
const NUMBER_MAX: i64 = i32::MAX as i64;

pub(super) fn text(value: Value<'_>, what: &str) -> Result<String, Unexpected> {
    match value {
        Value::Text(text) => Ok(text.into_owned()),
        other => Err(Unexpected::kind(what, "a string", &other)),
    }
}

pub(super) fn optional_text(value: Value<'_>, what: &str) -> Result<Option<String>, Unexpected> {
    match value {
        Value::Nil => Ok(None),
        other => text(other, what).map(Some),
    }
}

pub(super) fn boolean(value: &Value<'_>, what: &str) -> Result<bool, Unexpected> {
    match value {
        Value::Boolean(boolean) => Ok(*boolean),
        other => Err(Unexpected::kind(what, "a boolean", other)),
    }
}

/// Each value of an array, read by `read`.
pub(super) fn list<'a, T>(
    value: Value<'a>,
    what: &str,
    read: impl FnMut(Value<'a>) -> Result<T, Unexpected>,
) -> Result<Vec<T>, Unexpected> {
    match value {
        Value::Array(values) => values.into_iter().map(read).collect(),
        other => Err(Unexpected::kind(what, "an array", &other)),
    }
}

/// The values of an array that can be read, by `read`. An original node lets its clients put values of any
/// type where text belongs (protocol, section 12, row 20): what one of them does shall not hide the rest.
pub(super) fn readable<'a, T>(
    value: Value<'a>,
    what: &str,
    read: impl Fn(Value<'a>) -> Result<T, Unexpected>,
) -> Result<Vec<T>, Unexpected> {
    list(value, what, |value| Ok(read(value).ok())).map(|values| values.into_iter().flatten().collect())
}

/// The fields of a struct. Those that nobody takes are ignored.
pub(super) struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, Value<'a>)>,
    /// What the struct is, for errors.
    what: &'static str,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: Value<'a>, what: &'static str) -> Result<Self, Unexpected> {
        match value {
            Value::Struct(fields) => Ok(Self { fields, what }),
            other => Err(Unexpected::kind(what, "a struct", &other)),
        }
    }

    /// The field's value, if it is there and not nil.
    pub(super) fn optional(&mut self, name: &str) -> Option<Value<'a>> {
        let (_, value) = self.fields.iter_mut().rfind(|(field, _)| field == name)?;
        let value = std::mem::replace(value, Value::Nil);
        (value != Value::Nil).then_some(value)
    }

    pub(super) fn required(&mut self, name: &str) -> Result<Value<'a>, Unexpected> {
        let what = self.what;
        self.optional(name).ok_or_else(|| Unexpected::Type(format!("{name} of {what} is missing")))
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, Unexpected> {
        text(self.required(name)?, name)
    }

    pub(super) fn optional_text(&mut self, name: &str) -> Result<Option<String>, Unexpected> {
        self.optional(name).map(|value| text(value, name)).transpose()
    }

    pub(super) fn boolean(&mut self, name: &str) -> Result<bool, Unexpected> {
        boolean(&self.required(name)?, name)
    }

    pub(super) fn integer(&mut self, name: &str) -> Result<i64, Unexpected> {
        match self.required(name)? {
            Value::Integer(integer) => Ok(integer),
            other => Err(Unexpected::kind(name, "an int", &other)),
        }
    }

    /// A number from 0 to the largest that XML-RPC has.
    pub(super) fn number(&mut self, name: &str) -> Result<u32, Unexpected> {
        let integer = self.integer(name)?;
        let number = u32::try_from(integer).ok().filter(|_| integer <= NUMBER_MAX);
        number.ok_or_else(|| Unexpected::range(name))
    }
}

/// The code that a refusal gives, or `UNKNOWN_ERROR` when it gives none.
pub(super) fn error_code(fields: &mut Fields<'_>) -> Result<ErrorCode, Unexpected> {
    let code = fields.optional_text("error_code")?;
    Ok(code.map_or(ErrorCode::UNKNOWN_ERROR, |code| ErrorCode(code.into())))
}
