//! The secret that the services of a cluster share, and by which they know each other.

use std::path::PathBuf;

use axum::http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::secret;

/// The header that carries it.
const HEADER: &str = "x-cluster-secret";

/// The settings of the secret.
#[derive(Clone, Debug, clap::Args)]
pub struct ClusterSecretConfig {
    /// Secret that all nodes share; calls without it are refused, but for those that ask how a node is
    #[arg(long, env = "CLUSTER_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub cluster_secret: Option<SecretString>,

    /// File that holds the secret, instead of `CLUSTER_SECRET`
    #[arg(long, env = "CLUSTER_SECRET_FILE", value_name = "FILE")]
    pub cluster_secret_file: Option<PathBuf>,
}

impl ClusterSecretConfig {
    /// The secret, if there is one.
    ///
    /// # Errors
    /// One line that names the setting and what is accepted.
    pub fn read(&self) -> Result<Option<ClusterSecret>, String> {
        let name = "CLUSTER_SECRET";
        let secret = secret::read(name, self.cluster_secret.as_ref(), self.cluster_secret_file.as_deref());
        let Some(secret) = secret.map_err(|error| error.to_string())? else { return Ok(None) };
        let is_plain = |text: &&str| text.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
        let value = Some(secret.expose_secret()).filter(is_plain).and_then(|text| HeaderValue::from_str(text).ok());
        let mut value = value
            .ok_or_else(|| format!("{name}: accepted are letters, digits and signs of plain ASCII, without spaces"))?;
        value.set_sensitive(true);
        Ok(Some(ClusterSecret(value)))
    }
}

/// The secret, as it goes with a request. Its `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct ClusterSecret(HeaderValue);

impl ClusterSecret {
    /// Adds it to what a request says.
    pub fn add_to(&self, headers: &mut HeaderMap) {
        headers.insert(HEADER, self.0.clone());
    }

    /// Whether a request has it. How long that takes tells nothing of a wrong one but its length.
    #[must_use]
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        headers.get(HEADER).is_some_and(|given| given.as_bytes().ct_eq(self.0.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(secret: &str) -> Result<ClusterSecret, String> {
        let config = ClusterSecretConfig { cluster_secret: Some(secret.into()), cluster_secret_file: None };
        config.read().map(Option::unwrap)
    }

    #[test]
    fn a_request_has_the_secret_or_another_one_or_none() {
        let (secret, other) = (read("salmon").unwrap(), read("trout").unwrap());
        let mut headers = HeaderMap::new();
        assert!(!secret.is_in(&headers));
        other.add_to(&mut headers);
        assert!(!secret.is_in(&headers) && other.is_in(&headers));
        secret.add_to(&mut headers);
        assert!(secret.is_in(&headers) && !other.is_in(&headers));
        assert!(!format!("{secret:?} {headers:?}").contains("salmon"));
    }

    #[test]
    fn what_no_header_can_carry_is_refused_without_being_shown() {
        for wrong in ["two words", "Füchse", "line\n"] {
            let error = read(wrong).unwrap_err();
            assert!(error.starts_with("CLUSTER_SECRET: accepted are") && !error.contains(wrong), "{error}");
        }
    }
}
