//! The miner's settings.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use devcoin::Difficulty;
use devcoin::ledger::LedgerConfig;
use service::value::{ip_address, port};
use service::{ServiceConfig, Settings};

use crate::file::{self, FileSettings, accepted_difficulties, accepted_threads};
use crate::speed::{Mining, Speed, THREADS_MAX};

/// The difficulty that is used when nobody says another one: about 65,000 hashes a coin. A Raspberry Pi
/// computes them in a small part of a second, so that it keeps up with every named speed, and people see
/// the work: the hash of a coin begins with four hexadecimal zeros.
const DIFFICULTY_DEFAULT: u8 = 16;

/// The miner's settings.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// How many coins are found: 1, 2, 3 or 10 a second, or as many as the processor can [default: slow]
    ///
    /// The named speeds are kept exactly, so that three miners find three times as many coins as one.
    #[arg(long, env = "MINING_SPEED", value_name = "SPEED", ignore_case = true)]
    pub mining_speed: Option<Speed>,

    /// Zero bits that the hash of a coin begins with, 1 to 64 [default: 16]
    ///
    /// One more makes a coin twice as much work. 16 are about 65,000 hashes: a few per cent of a Raspberry
    /// Pi's core at the speed slow. With 40, a coin takes days: the log says how long, and warns above an hour.
    /// A coin keeps the difficulty that it was found with.
    #[arg(long, env = "DIFFICULTY", value_name = "BITS", value_parser = difficulty)]
    pub difficulty: Option<Difficulty>,

    /// Threads that search at the speed unlimited [default: as many as there are processors]
    ///
    /// The other speeds need one, whatever is set here.
    #[arg(long, env = "MINER_THREADS", value_name = "NUMBER", value_parser = threads)]
    pub miner_threads: Option<usize>,

    /// TOML file with any of the keys `mining_speed`, `difficulty` and `threads`
    ///
    /// A flag or an environment variable that is set wins over the file. SIGHUP has the file read again; a
    /// wrong one is reported then, and changes nothing.
    #[arg(long, env = "MINER_CONFIG", value_name = "FILE")]
    pub miner_config: Option<PathBuf>,

    /// The ledger.
    #[command(flatten)]
    pub ledger: LedgerConfig,

    /// Redis servers that copy the ledger and must have a coin before it counts as recorded
    ///
    /// One that is away holds nobody up: after half a second a coin counts as recorded without it.
    #[arg(long, env = "REDIS_REPLICAS", value_name = "NUMBER", default_value = "0")]
    pub redis_replicas: u8,

    /// Address on which health and metrics are served
    #[arg(long, env = "OPS_HOST", value_name = "ADDRESS", default_value = "0.0.0.0", value_parser = ip_address)]
    pub ops_host: IpAddr,

    /// Port on which health and metrics are served
    #[arg(long, env = "OPS_PORT", value_name = "PORT", default_value = "9100", value_parser = port)]
    pub ops_port: u16,

    /// What every service has.
    #[command(flatten)]
    pub service: ServiceConfig,
}

impl Config {
    /// What is to be mined: what flags and variables say, then what the file says, then the defaults.
    ///
    /// # Errors
    /// One line that names the file, the key, its value and what is accepted.
    pub(crate) fn mining(&self) -> Result<Mining, String> {
        let path = self.miner_config.as_deref();
        let file = path.map_or(Ok(FileSettings::default()), file::read).map_err(|error| error.to_string())?;
        self.warn_of_what_the_file_cannot_set(file);
        Ok(self.with(file))
    }

    fn with(&self, file: FileSettings) -> Mining {
        let default = Difficulty::try_from(DIFFICULTY_DEFAULT).unwrap_or(Difficulty::MIN);
        Mining {
            speed: self.mining_speed.or(file.speed).unwrap_or(Speed::Slow),
            difficulty: self.difficulty.or(file.difficulty).unwrap_or(default),
            threads_wanted: self.miner_threads.or(file.threads),
        }
    }

    /// Who changes the file wonders otherwise why nothing happens.
    fn warn_of_what_the_file_cannot_set(&self, file: FileSettings) {
        for (key, variable, both) in [
            ("mining_speed", "MINING_SPEED", self.mining_speed.is_some() && file.speed.is_some()),
            ("difficulty", "DIFFICULTY", self.difficulty.is_some() && file.difficulty.is_some()),
            ("threads", "MINER_THREADS", self.miner_threads.is_some() && file.threads.is_some()),
        ] {
            if both {
                tracing::warn!("{key} of the file MINER_CONFIG has no effect, because {variable} is set and wins");
            }
        }
    }
}

impl Settings for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }

    fn health_address(&self) -> SocketAddr {
        (self.ops_host, self.ops_port).into()
    }

    fn check(&self) -> Result<(), String> {
        self.mining()?;
        self.ledger.ledger().map(drop)
    }
}

fn difficulty(text: &str) -> Result<Difficulty, String> {
    text.parse().map_err(|_| accepted_difficulties())
}

fn threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|threads| (1..=THREADS_MAX).contains(threads));
    threads.ok_or_else(accepted_threads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use service::config::{Invocation, parse};

    fn config(arguments: &[&str]) -> Config {
        let arguments = [&["miner"], arguments].concat();
        match parse(&crate::ABOUT, arguments).unwrap() {
            Invocation::Run(config) => config,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_defaults_are_slow_and_16_bits() {
        let mining = config(&[]).with(FileSettings::default());
        assert_eq!((mining.speed, mining.difficulty.bits(), mining.threads_wanted), (Speed::Slow, 16, None));
    }

    #[test]
    fn what_is_set_wins_over_the_file_key_by_key() {
        let file = FileSettings { speed: Some(Speed::Unlimited), difficulty: "20".parse().ok(), threads: Some(3) };
        let mining = config(&[]).with(file);
        assert_eq!((mining.speed, mining.difficulty.bits(), mining.threads()), (Speed::Unlimited, 20, 3));
        let mining = config(&["--difficulty=8", "--miner-threads=2"]).with(file);
        assert_eq!((mining.speed, mining.difficulty.bits(), mining.threads()), (Speed::Unlimited, 8, 2));
        assert_eq!(config(&["--mining-speed=fast"]).with(file).speed, Speed::Fast);
    }

    #[test]
    fn debug_output_shows_no_password() {
        let config = config(&["--redis-url=redis://:tuna@redis", "--redis-password=salmon"]);
        let text = format!("{config:?}");
        assert!(!text.contains("tuna") && !text.contains("salmon"), "{text}");
    }
}
