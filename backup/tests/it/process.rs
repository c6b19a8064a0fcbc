//! The process: settings, exit codes, the manual.

use tempfile::tempdir;
use testing::{RedisServer, needs};

use crate::backup::{BACKUP, command, names};

fn output(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    testing::start(BACKUP, arguments, environment).output()
}

#[test]
fn help_is_the_manual_with_every_variable_default_and_command() {
    let (code, help, _) = output(&["--help"], &[]);
    assert_eq!(code, Some(0));
    for text in [
        "BACKUP_INTERVAL",
        "4h",
        "BACKUP_DIR",
        "/copies",
        "BACKUP_PEERS",
        "tasks.backup:9100",
        "THROWAWAY_REDIS",
        "CHAT_NODES",
        "REDIS_URL",
        "REDIS_PASSWORD_FILE",
        "CLUSTER_SECRET_FILE",
        "OPS_PORT",
        "9100",
        "take",
        "list",
        "check",
        "restore",
        "healthcheck",
    ] {
        assert!(help.contains(text), "{text} is missing in:\n{help}");
    }
}

#[test]
fn a_wrong_setting_stops_it_at_once_with_one_line() {
    for (environment, start) in [
        (&[("BACKUP_INTERVAL", "0s")][..], "backup: BACKUP_INTERVAL (--backup-interval <TIME>) is '0s': accepted is"),
        (&[("REDIS_URL", "rediss://redis")], "backup: REDIS_URL"),
        (&[("CLUSTER_SECRET", "two words")], "backup: CLUSTER_SECRET: accepted are letters"),
        (&[("REDIS_PASSWORD_FILE", "/nowhere/password")], "backup: REDIS_PASSWORD_FILE: there is no file"),
    ] {
        let (code, stdout, stderr) = output(&[], environment);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.starts_with(start) && stderr.lines().count() == 1, "{stderr}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_stops_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let folder = format!("--backup-dir={}", file.path().display());
    let (code, _, stderr) = output(&["--ops-port=0", &folder], &[]);
    assert!(code == Some(1) && stderr.contains("BACKUP_DIR: "), "{code:?}: {stderr}");
}

#[needs("redis-server", "redis-cli")]
#[test]
fn the_password_is_said_to_redis_and_shown_to_nobody() {
    let password = r#"sword "fish" $1"#;
    let redis = RedisServer::start(&["--requirepass", password, "--repl-diskless-sync-delay", "0"]);
    let folder = tempdir().unwrap();
    let settings = [format!("--redis-url={}", redis.url()), format!("--backup-dir={}", folder.path().display())];
    let with = |password: &str| command("take", &[&settings[..], &[format!("--redis-password={password}")]].concat());
    let (code, copy, said) = with(password);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(names(folder.path()), [copy.clone(), format!("{copy}.sha256")]);
    let (code, _, said) = with("wrong fish");
    assert!(code == Some(1) && said.contains("does not accept the password") && !said.contains("fish"), "{said}");
}
