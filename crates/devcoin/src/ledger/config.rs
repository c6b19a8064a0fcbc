//! The settings of who uses the ledger.

use std::path::PathBuf;

use secrecy::SecretString;
use service::secret;

use super::{LedgerError, RedisAddress, RedisLedger, RedisSettings};

/// The setting of the ledger's address, for messages.
const URL_SETTING: &str = "REDIS_URL (--redis-url <URL>)";

/// Where the ledger is, and how to get in.
#[derive(Clone, Debug, clap::Args)]
pub struct LedgerConfig {
    /// Address of the Redis that holds the ledger, as in <redis://HOST:PORT> or <redis://HOST:PORT/DATABASE>
    ///
    /// It need not be there at the start, and is found again when it was away.
    #[arg(long, env = "REDIS_URL", value_name = "URL", default_value = "redis://redis:6379")]
    pub redis_url: SecretString,

    /// Password of that Redis, if it asks for one
    #[arg(long, env = "REDIS_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub redis_password: Option<SecretString>,

    /// File that holds the password, instead of `REDIS_PASSWORD`
    #[arg(long, env = "REDIS_PASSWORD_FILE", value_name = "FILE")]
    pub redis_password_file: Option<PathBuf>,
}

impl LedgerConfig {
    /// The ledger; it is not asked for anything yet.
    ///
    /// # Errors
    /// One line that names the setting and what is accepted, without the value, which may hold a password.
    pub fn ledger(&self) -> Result<RedisLedger, String> {
        self.connect(URL_SETTING, &self.redis_url)
    }

    /// What is at `url`, the value of `setting`, with the same password; it is not asked for anything yet.
    ///
    /// # Errors
    /// As of [`Self::ledger`].
    pub fn connect(&self, setting: &str, url: &SecretString) -> Result<RedisLedger, String> {
        RedisLedger::new(self.settings(url)?).map_err(|error| format!("{setting}: {error}"))
    }

    /// Where the ledger is, for other programs that ask its Redis.
    ///
    /// # Errors
    /// As of [`Self::ledger`].
    pub fn address(&self) -> Result<RedisAddress, String> {
        let address = self.settings(&self.redis_url)?.try_into();
        address.map_err(|error: LedgerError| format!("{URL_SETTING}: {error}"))
    }

    fn settings(&self, url: &SecretString) -> Result<RedisSettings, String> {
        let file = self.redis_password_file.as_deref();
        let password = secret::read("REDIS_PASSWORD", self.redis_password.as_ref(), file);
        Ok(RedisSettings { url: url.clone(), password: password.map_err(|error| error.to_string())? })
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn debug_output_shows_no_password() {
        let command = LedgerConfig::augment_args(Command::new("miner"));
        let arguments = ["miner", "--redis-url=redis://:salmon@redis:6379", "--redis-password=trout"];
        let config = LedgerConfig::from_arg_matches(&command.get_matches_from(arguments)).unwrap();
        assert_eq!(config.redis_url.expose_secret(), "redis://:salmon@redis:6379");
        assert_eq!(config.redis_password.as_ref().unwrap().expose_secret(), "trout");
        let shown = format!("{config:?} {:?}", config.ledger().unwrap());
        assert!(!shown.contains("salmon") && !shown.contains("trout"), "{shown}");
    }
}
