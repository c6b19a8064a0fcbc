//! The options of `swarmyard up`.

use std::net::IpAddr;

use clap::ValueEnum;
use devcoin::RedisLedger;
use devcoin::ledger::RedisSettings;
use miner::Speed;
use secrecy::SecretString;
use service::config::LogLevel;
use service::value::ip_address;

/// Most miners at a time: each takes a thread, and a port from 9101 on.
pub(crate) const MINERS_MAX: u16 = 50;

/// Most that can be added to all ports: the last miner's is the highest.
pub(crate) const PORT_OFFSET_MAX: u16 = u16::MAX - 9100 - MINERS_MAX;

/// The three distributed systems.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Demo {
    /// A producer and a consumer.
    Numbers,
    /// Three nodes.
    Chat,
    /// Miners, a ledger, the API and its page.
    Devcoin,
}

/// The options of `swarmyard up`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Run a part, as in numbers,chat
    #[arg(long, value_name = "DEMO,…", value_delimiter = ',', default_value = "numbers,chat,devcoin")]
    pub(crate) only: Vec<Demo>,

    /// Add this to every port, when one of them is taken
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = port_offset)]
    pub(crate) port_offset: u16,

    /// Address to listen on; 0.0.0.0 lets other machines in
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = ip_address)]
    pub(crate) host: IpAddr,

    /// How many miners to begin with, 0 to 50
    #[arg(long, value_name = "NUMBER", default_value = "2", value_parser = miners)]
    pub(crate) miners: u16,

    /// How many coins each miner finds: 1, 2, 3 or 10 a second, or as many as the processor can
    #[arg(long, value_name = "SPEED", default_value = "slow", ignore_case = true)]
    pub(crate) speed: Speed,

    /// Keep the coins in this Redis, as in <redis://127.0.0.1:6379>, rather than in this process
    #[arg(long, value_name = "URL", value_parser = redis_url)]
    pub(crate) redis: Option<String>,

    /// Token with which the services can be broken for a while; without one, they cannot
    #[arg(long, env = "CHAOS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) chaos_token: Option<SecretString>,

    /// Least severe events that the services log
    #[arg(long, value_name = "LEVEL", default_value = "info", ignore_case = true)]
    pub(crate) log_level: LogLevel,
}

fn port_offset(text: &str) -> Result<u16, String> {
    number(text, PORT_OFFSET_MAX)
}

fn miners(text: &str) -> Result<u16, String> {
    number(text, MINERS_MAX)
}

fn number(text: &str, most: u16) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| *number <= most);
    number.ok_or_else(|| format!("accepted is a number from 0 to {most}"))
}

fn redis_url(text: &str) -> Result<String, String> {
    RedisLedger::new(RedisSettings { url: text.into(), password: None }).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}
