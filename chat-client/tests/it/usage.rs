//! Wrong usage, and help.

use testing::start;

use crate::CLIENT;

#[test]
fn help_names_settings_keys_and_commands() {
    let (code, stdout, _) = start(CLIENT, &["--help"], &[]).output();
    assert_eq!(code, Some(0));
    for word in ["send", "tail", "--username", "CHAT_USERNAME", "--address", "CHAT_ADDRESS", "--room", "NO_COLOR"] {
        assert!(stdout.contains(word), "{word}: {stdout}");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_accepted() {
    for (arguments, expected) in [
        (&["--address", "node1"][..], "the port is missing"),
        (&["--address=wss://node1:1"], "host:port"),
        (&["send", "--address", "node1:1", "--username", "a"], "--room"),
        (&["send", "--address", "node1:1", "--room", "r", "hello"], "--username"),
        (&["tail", "--address", "node1:1", "--room", "r", "--lines", "0"], "--lines"),
        (&["dance"], "dance"),
    ] {
        let (code, stdout, stderr) = start(CLIENT, arguments, &[]).output();
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected) && stdout.is_empty(), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("chat-client: ") && stderr.lines().count() == 1, "{arguments:?}: {stderr}");
    }
}

#[test]
fn without_a_terminal_the_screens_refuse_and_name_what_works() {
    let (code, _, stderr) = start(CLIENT, &[], &[]).output();
    assert_eq!(code, Some(1));
    assert!(stderr.contains("chat-client send"), "{stderr}");
}

#[test]
fn a_node_that_is_not_there_is_one_line_and_exit_1() {
    for arguments in [
        &["send", "--address=127.0.0.1:1", "--username=a", "--room=r", "hello"][..],
        &["tail", "--address=127.0.0.1:1", "--room=r"],
    ] {
        let (code, _, stderr) = start(CLIENT, arguments, &[]).output();
        assert_eq!(code, Some(1));
        assert!(stderr.contains("127.0.0.1:1: connection refused"), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}
