//! Settings: variables, the file, and what is wrong with them.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use tempfile::NamedTempFile;
use testing::{Signal, needs};

use crate::miner::{Miner, start};
use crate::redis::Redis;
use crate::wait_for;

#[test]
fn a_wrong_setting_ends_the_start_with_one_line() {
    let speeds = "accepted are slow, normal, fast, super-fast, unlimited";
    for (variable, value, line) in [
        ("MINING_SPEED", "warp", format!("MINING_SPEED (--mining-speed <SPEED>) is 'warp': {speeds}")),
        (
            "DIFFICULTY",
            "65",
            "DIFFICULTY (--difficulty <BITS>) is '65': accepted is a number of bits from 1 to 64".to_owned(),
        ),
        (
            "MINER_THREADS",
            "0",
            "MINER_THREADS (--miner-threads <NUMBER>) is '0': accepted is a number of threads from 1 to 256".to_owned(),
        ),
        (
            "REDIS_URL",
            "http://bob:secret@redis:6379",
            "REDIS_URL (--redis-url <URL>): accepted is redis://HOST:PORT or redis://HOST:PORT/DATABASE".to_owned(),
        ),
        (
            "REDIS_URL",
            "rediss://:secret@redis:6379",
            "REDIS_URL (--redis-url <URL>): rediss:// asks for TLS, which is not spoken here: accepted is \
             redis://HOST:PORT, in a network that you trust, or to a tunnel that speaks TLS"
                .to_owned(),
        ),
        (
            "MINER_CONFIG",
            "/nowhere/miner.toml",
            "MINER_CONFIG: /nowhere/miner.toml: cannot open it: No such file or directory (os error 2)".to_owned(),
        ),
    ] {
        assert_eq!(start(&[(variable, value)]).output(), (Some(2), String::new(), format!("miner: {line}")));
    }
}

#[test]
fn a_wrong_file_ends_the_start_with_one_line() {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), "mining_speed = \"fast\"\ndifficulty = 100\n").unwrap();
    let path = file.path().to_str().unwrap();
    let line = format!("miner: MINER_CONFIG: {path}: difficulty is 100: accepted is a number of bits from 1 to 64");
    assert_eq!(start(&[("MINER_CONFIG", path)]).output(), (Some(2), String::new(), line));
}

#[needs("redis-server")]
#[test]
fn a_miner_is_called_by_its_task_and_its_node() {
    let redis = Redis::start();
    let _miner = Miner::start(&redis, &[("SERVED_BY", "yard_miner.2@pi4"), ("NODE_NAME", "pi4")]);
    assert_eq!(wait_for("the miner's name", || redis.name_of_miner()), "miner.2 on pi4");
}

#[needs("redis-server")]
#[test]
fn the_file_is_read_again_at_sighup_and_a_wrong_one_changes_nothing() {
    let (redis, file) = (Redis::start(), NamedTempFile::new().unwrap());
    let path = file.path().to_str().unwrap();
    let write = |text: &str| fs::write(path, text).unwrap();
    write("mining_speed = \"super-fast\"\ndifficulty = 60\n");
    let mut miner = Miner::start(&redis, &[("MINER_CONFIG", path)]);

    // With this difficulty there are none, so whatever comes later comes because of the change.
    miner.readyz("HTTP/1.1 200 ");
    write("mining_speed = \"super-fast\"\ndifficulty = 4\n");
    let line = miner.reload();
    assert!(line.contains("from now on speed super-fast (10 coins a second), difficulty 4 "), "{line}");
    let blocks = redis.wait_for_blocks(1);

    write("mining_speed = \"warp\"\n");
    let line = miner.reload();
    let problem =
        format!("MINER_CONFIG: {path}: mining_speed is \"warp\": accepted are \"slow\", \"normal\", \"fast\"");
    assert!(line.contains(&problem), "{line}");
    assert!(line.contains("going on as before: speed super-fast (10 coins a second), difficulty 4 "), "{line}");
    redis.wait_for_blocks(blocks + 5);

    write("mining_speed = \"super-fast\"\ndifficulty = 4\nthreads = 2\n");
    assert!(miner.reload().contains("from now on speed super-fast"));
    assert!(miner.reload().contains("nothing has changed"));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc, which only Linux has")]
fn as_many_threads_search_as_the_file_says() {
    let (redis, file) = (Redis::absent(), NamedTempFile::new().unwrap());
    let path = file.path().to_str().unwrap();
    let write = |threads| {
        fs::write(path, format!("mining_speed = \"unlimited\"\ndifficulty = 60\nthreads = {threads}\n")).unwrap();
    };
    write(3);
    let mut miner = Miner::start(&redis, &[("MINER_CONFIG", path)]);
    for threads in [3, 1, 2] {
        write(threads);
        miner.reload();
        crate::wait_for("so many threads", || Some(()).filter(|()| searching_threads(miner.program.id()) == threads));
    }
}

/// The threads of this process that search.
fn searching_threads(process: u32) -> usize {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    // One may end meanwhile.
    let name = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
    threads.map(Result::unwrap).map(name).filter(|name| name == "search\n").count()
}

#[test]
fn a_variable_wins_over_the_file_and_says_so() {
    let (redis, file) = (Redis::absent(), NamedTempFile::new().unwrap());
    fs::write(file.path(), "mining_speed = \"unlimited\"\ndifficulty = 20\n").unwrap();
    let settings = [("MINER_CONFIG", file.path().to_str().unwrap()), ("MINING_SPEED", "fast")];
    let url = redis.url();
    let mut miner = start(&[&[("REDIS_URL", url.as_str())], &settings[..]].concat());
    miner.log_line("mining_speed of the file MINER_CONFIG has no effect, because MINING_SPEED is set and wins");
    miner.log_line("speed fast (3 coins a second), difficulty 20 ");
}

#[test]
fn without_a_file_a_hangup_ends_it_as_any_program() {
    let mut miner = start(&[("REDIS_URL", "redis://127.0.0.1:1")]);
    miner.log_line("waiting for the ledger");
    miner.signal(Signal::HUP);
    assert_eq!(miner.ended().0.signal(), Some(1));
}
