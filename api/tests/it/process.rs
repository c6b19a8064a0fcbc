//! The process: settings, exit codes, the manual; and the library in another process.

use std::io::Write;
use std::sync::Arc;

use devcoin::ledger::{Batch, Origin};
use devcoin::{Difficulty, Ledger, MemoryLedger, MinerId};
use service::config::{Invocation, parse};
use testing::needs;
use tokio_util::sync::CancellationToken;

use crate::client::{API, Api};
use crate::listener::Listener;
use crate::redis::Redis;

fn output(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    testing::start(API, arguments, environment).output()
}

#[test]
fn help_is_the_manual_with_every_variable_and_default() {
    let (code, help, _) = output(&["--help"], &[]);
    assert_eq!(code, Some(0));
    for text in [
        "HOST",
        "0.0.0.0",
        "PORT",
        "9000",
        "REDIS_URL",
        "redis://redis:6379",
        "REDIS_PASSWORD",
        "REDIS_PASSWORD_FILE",
        "REDIS_REPLICA_URL",
        "SERVED_BY",
        "healthcheck",
    ] {
        assert!(help.contains(text), "{text} is missing in:\n{help}");
    }
}

#[test]
fn a_wrong_setting_stops_it_at_once_with_one_line() {
    for (environment, start) in [
        (&[("PORT", "x")][..], "api: PORT (--port <PORT>) is 'x': accepted is a port number"),
        (&[("REDIS_URL", "http://redis")], "api: REDIS_URL"),
        (&[("REDIS_REPLICA_URL", "redis")], "api: REDIS_REPLICA_URL (--redis-replica-url <URL>): accepted is redis://"),
        (
            &[("REDIS_PASSWORD", "x"), ("REDIS_PASSWORD_FILE", "/x")],
            "api: REDIS_PASSWORD and REDIS_PASSWORD_FILE are both",
        ),
        (
            &[("REDIS_PASSWORD_FILE", "/nowhere/password")],
            "api: REDIS_PASSWORD_FILE: there is no file /nowhere/password: ",
        ),
    ] {
        let (code, stdout, stderr) = output(&[], environment);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.starts_with(start) && stderr.lines().count() == 1, "{stderr}");
    }
}

#[needs("redis-server")]
#[test]
fn the_password_comes_from_its_variable_or_file_and_is_never_logged() {
    let redis = Redis::start_with_password("swordfish");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "swordfish").unwrap();
    for setting in [("REDIS_PASSWORD", "swordfish"), ("REDIS_PASSWORD_FILE", file.path().to_str().unwrap())] {
        let environment =
            [("REDIS_URL", redis.url()), ("LOG_LEVEL", "trace".to_owned()), (setting.0, setting.1.to_owned())];
        let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
        let mut program = testing::start(API, &["--port=0"], &environment);
        let api = Api { address: program.address(), program };
        api.until("/readyz", |answer| answer.status == 200);
        api.program.signal(testing::Signal::TERM);
        let (code, _, log) = api.program.output();
        assert!(code == Some(0) && !log.contains("swordfish"), "{log}");
    }
}

#[needs("redis-server")]
#[test]
fn a_wrong_password_is_explained() {
    let redis = Redis::start_with_password("swordfish");
    let environment = [("REDIS_URL", redis.url()), ("REDIS_PASSWORD", "tuna".to_owned())];
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut program = testing::start(API, &["--port=0"], &environment);
    let line = program.log_line("waiting for the ledger: ");
    assert!(line.contains("password") && !line.contains("tuna"), "{line}");
}

#[needs("redis-server")]
#[test]
fn an_outage_is_two_lines_in_the_log() {
    let mut redis = Redis::start();
    let mut api = Api::of(&redis);
    redis.kill();
    api.program.log_line("waiting for the ledger: ");
    api.until("/stats", |answer| answer.json()["age_seconds"].as_u64() > Some(2));
    redis.run();
    api.until("/readyz", |answer| answer.status == 200);
    api.program.signal(testing::Signal::TERM);
    let (_, _, log) = api.program.output();
    // The first one is passed over above.
    let lines: Vec<_> = log.lines().filter(|line| line.contains("ledger")).collect();
    assert!(lines.last().unwrap().contains("the ledger answers"), "{log}");
    assert!(lines.len() <= 4, "{log}");
}

#[tokio::test]
async fn in_one_process_it_tells_of_any_ledger() {
    let Ok(Invocation::Run(config)) = parse(&api::ABOUT, ["api", "--host=127.0.0.1", "--port=0"]) else { panic!() };
    let ledger = Arc::new(MemoryLedger::default());
    let api = api::bind_with(&config, ledger.clone()).unwrap();
    let address = api.address();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(api.run(shutdown.clone()));
    let difficulty = Difficulty::MIN;
    let batch = Batch {
        miner: MinerId::new("pi"),
        name: "pi".to_owned(),
        difficulty,
        nonces: vec![1, 2, 3],
        hash_rate: 1,
        origin: Origin::default(),
    };
    ledger.record(&batch).await.unwrap();
    let listening = tokio::task::spawn_blocking(move || Listener::after(address, "0-0").next_coins(3).0);
    assert_eq!(listening.await.unwrap(), [1, 2, 3]);
    shutdown.cancel();
    running.await.unwrap().unwrap();
}
