use super::{Action, LAPTOP, Step, read};

fn typed(line: usize, machine: &str, command: &str, stays: bool, shown: &[&str]) -> Step {
    let action = Action::Type { machine: machine.into(), command: command.into(), stays };
    Step { line, action, shown: shown.iter().map(ToString::to_string).collect() }
}

#[test]
fn a_prompt_names_the_machine_and_the_lines_below_are_what_it_prints() {
    let page = "# T\n\n```console\n$ one\n1\n2\nmanager$ two\n```\n\ntext\n\n```yaml\n$ not a command\n```\n";
    let expected = vec![typed(4, LAPTOP, "one", false, &["1", "2"]), typed(7, "manager", "two", false, &[])];
    assert_eq!(read(page).unwrap(), expected);
}

#[test]
fn a_backslash_continues_a_command() {
    let page = "```console\n$ one \\\n    two\nout\n```\n";
    assert_eq!(read(page).unwrap(), vec![typed(2, LAPTOP, "one two", false, &["out"])]);
}

#[test]
fn a_control_c_ends_the_command_before_it() {
    let page = "```console\n$ logs -f\na\n^C\nb\n```\n";
    let interrupt = Step { line: 4, action: Action::Interrupt, shown: vec!["b".into()] };
    assert_eq!(read(page).unwrap(), vec![typed(2, LAPTOP, "logs -f", true, &["a"]), interrupt]);
}

#[test]
fn a_block_marked_running_is_ended_by_a_later_block() {
    let page = "```console running\n$ up\n```\n```console\n$ curl\n```\n```console\n^C\n```\n";
    let interrupt = Step { line: 8, action: Action::Interrupt, shown: vec![] };
    let expected = vec![typed(2, LAPTOP, "up", true, &[]), typed(5, LAPTOP, "curl", false, &[]), interrupt];
    assert_eq!(read(page).unwrap(), expected);
}

#[test]
fn what_cannot_be_run_is_refused_with_its_line() {
    for (page, line) in [
        ("```console\noutput without a command\n```\n", "line 2"),
        ("```console\n^C\n```\n", "line 2"),
        ("```console running\n$ never ended\n```\n", "line 2"),
        ("```console\n$ no end \\\n```\n", "line 2"),
    ] {
        let error = read(page).unwrap_err().to_string();
        assert!(error.contains(line), "{page:?}: {error}");
    }
}

#[test]
fn what_is_entered_goes_to_the_command_that_runs() {
    let page = "```console running\n$ up\n```\n```console\n> stop node2\na\n> help\n```\n```console\n^C\n```\n";
    let enter = |line, text: &str, shown: &[&str]| {
        let shown = shown.iter().map(ToString::to_string).collect();
        Step { line, action: Action::Enter(text.into()), shown }
    };
    let steps = read(page).unwrap();
    assert_eq!(steps[1..3], [enter(5, "stop node2", &["a"]), enter(7, "help", &[])]);
    assert!(read("```console\n> nobody is there\n```\n").unwrap_err().to_string().contains("line 2"));
}

#[test]
fn a_machine_is_switched_by_hand() {
    let page = "```console\n# switch pi2 off\npi1$ one\n# switch pi2 on\n# any other line is shown\n```\n";
    let switch = |line, on| Step { line, action: Action::Switch { machine: "pi2".into(), on }, shown: vec![] };
    let mut steps = vec![switch(2, false), typed(3, "pi1", "one", false, &[]), switch(4, true)];
    steps[2].shown.push("# any other line is shown".into());
    assert_eq!(read(page).unwrap(), steps);
}
