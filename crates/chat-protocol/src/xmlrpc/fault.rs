//! The answer to a call that was not carried out.

use super::fields::{Fields, Unexpected};
use super::not_xmlrpc::NotXmlRpc;
use super::value::Value;

/// The original's code of every fault (protocol, section 5).
const CODE: i32 = 1;

/// Bytes of a method's name that a fault repeats.
const METHOD_BYTES_MAX: usize = 100;

/// Why a call was not carried out.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("fault {code}: {text}")]
pub struct Fault {
    /// Always 1 from a node.
    pub code: i32,
    /// From a node: the class of an exception of Python, a colon, and what happened.
    pub text: String,
}

impl Fault {
    /// A fault in the original's form; `class` is that of an exception of Python, such as `Exception`.
    #[must_use]
    pub fn new(class: &str, message: impl std::fmt::Display) -> Self {
        Self { code: CODE, text: format!("<class '{class}'>:{message}") }
    }

    /// No method has this name.
    #[must_use]
    pub fn unknown_method(name: &str) -> Self {
        let end = name.floor_char_boundary(METHOD_BYTES_MAX);
        Self::new("Exception", format_args!("method \"{}\" is not supported", &name[..end]))
    }

    /// Whether this says that there is no such method, as an original node says of `system.multicall`.
    #[must_use]
    pub fn is_unknown_method(&self) -> bool {
        self.text.contains("method \"") && self.text.ends_with("\" is not supported")
    }

    /// The caller is not let in.
    #[must_use]
    pub fn not_permitted(message: &str) -> Self {
        Self::new("PermissionError", message)
    }

    /// Why the caller is not let in, if that is what this says.
    #[must_use]
    pub fn not_permitted_reason(&self) -> Option<&str> {
        self.text.strip_prefix("<class 'PermissionError'>:")
    }

    /// The value that stands for a fault, alone or in the answer to `system.multicall`.
    #[must_use]
    pub fn to_value(&self) -> Value<'_> {
        let code = Value::Integer(self.code.into());
        Value::fields([("faultCode", code), ("faultString", Value::from(&self.text))])
    }

    /// Reads a fault.
    ///
    /// # Errors
    /// [`Unexpected`], when the value stands for something else.
    pub fn from_value(value: Value<'_>) -> Result<Self, Unexpected> {
        let mut fields = Fields::of(value, "a fault")?;
        let code = fields.integer("faultCode")?;
        let code = i32::try_from(code).map_err(|_| Unexpected::range("faultCode"))?;
        Ok(Self { code, text: fields.text("faultString")? })
    }
}

impl From<Unexpected> for Fault {
    fn from(error: Unexpected) -> Self {
        match error {
            Unexpected::Type(_) => Self::new("TypeError", error),
            Unexpected::Range(_) => Self::new("ValueError", error),
        }
    }
}

impl From<NotXmlRpc> for Fault {
    fn from(error: NotXmlRpc) -> Self {
        Self::new("xml.parsers.expat.ExpatError", error)
    }
}
