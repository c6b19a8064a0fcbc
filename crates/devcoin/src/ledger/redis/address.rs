//! Where a Redis is, out of the settings.

use redis::{ConnectionAddr, IntoConnectionInfo};
use secrecy::{ExposeSecret, SecretString};

use super::RedisSettings;
use crate::ledger::LedgerError;

/// TLS would need a library that compiles C, or as much code as all the rest.
const NO_TLS: &str = "rediss:// asks for TLS, which is not spoken here: accepted is redis://HOST:PORT, in a network that \
                      you trust, or to a tunnel that speaks TLS";

/// Where a Redis is and how to get in, for programs that are told each by itself.
#[derive(Clone, Debug)]
pub struct RedisAddress {
    /// Its name, or its IP address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user, where it is not the default one.
    pub user: Option<String>,
    /// The password, if it has one.
    pub password: Option<SecretString>,
    /// Which of its databases, counted from 0.
    pub database: i64,
}

impl TryFrom<RedisSettings> for RedisAddress {
    type Error = LedgerError;

    fn try_from(settings: RedisSettings) -> Result<Self, LedgerError> {
        // Without the address, in which some have their password.
        let wrong = || LedgerError::Refused("accepted is redis://HOST:PORT or redis://HOST:PORT/DATABASE".to_owned());
        if settings.url.expose_secret().starts_with("rediss:") {
            return Err(LedgerError::Refused(NO_TLS.to_owned()));
        }
        let info = settings.url.expose_secret().into_connection_info().map_err(|_| wrong())?;
        let ConnectionAddr::Tcp(host, port) = info.addr().clone() else { return Err(wrong()) };
        let redis = info.redis_settings();
        Ok(Self {
            host,
            port,
            user: redis.username().map(str::to_owned),
            password: settings.password.or_else(|| redis.password().map(SecretString::from)),
            database: redis.db(),
        })
    }
}
