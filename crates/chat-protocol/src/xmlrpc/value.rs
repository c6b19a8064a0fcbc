//! A value of XML-RPC.

use std::borrow::Cow;

/// A value of XML-RPC, with its text where it was read from or is written from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Nil,
    /// Yes or no.
    Boolean(bool),
    /// A whole number. XML-RPC's have 32 bits; a field that takes one checks that.
    Integer(i64),
    /// Text.
    Text(Cow<'a, str>),
    /// A list.
    Array(Vec<Value<'a>>),
    /// Named values, in their order on the wire. Of a repeated name, the last counts.
    Struct(Vec<(Cow<'a, str>, Value<'a>)>),
    /// A fraction, a date, or bytes: no field takes one, but it may stand where it is ignored. It is
    /// written as [`Value::Nil`].
    Unused,
}

impl<'a> Value<'a> {
    /// A struct of these fields.
    #[must_use]
    pub fn fields<const N: usize>(fields: [(&'static str, Self); N]) -> Self {
        Self::Struct(fields.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect())
    }

    /// The text, or nil.
    #[must_use]
    pub fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Self::Nil, Self::from)
    }

    /// The same, holding its text itself.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Nil => Value::Nil,
            Self::Boolean(boolean) => Value::Boolean(boolean),
            Self::Integer(integer) => Value::Integer(integer),
            Self::Text(text) => Value::Text(owned(text)),
            Self::Array(values) => Value::Array(values.into_iter().map(Self::into_owned).collect()),
            Self::Struct(fields) => {
                Value::Struct(fields.into_iter().map(|(name, value)| (owned(name), value.into_owned())).collect())
            }
            Self::Unused => Value::Unused,
        }
    }

    /// The value's type, for who sent another one.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "int",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Struct(_) => "struct",
            Self::Unused => "another type",
        }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<bool> for Value<'_> {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl From<u32> for Value<'_> {
    fn from(integer: u32) -> Self {
        Self::Integer(integer.into())
    }
}

impl<'a, T: Into<Value<'a>>> From<Vec<T>> for Value<'a> {
    fn from(values: Vec<T>) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}
