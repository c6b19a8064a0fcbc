use super::{Extent, compare};

fn fits(page: &str, output: &str) -> bool {
    let shown: Vec<String> = page.lines().map(str::to_owned).collect();
    compare(&shown, output, Extent::Whole).is_ok()
}

const PAGE: &str = "ID             NAME             REPLICAS   IMAGE
kich8y5kq0ac   myapp_consumer   2/2        consumer:latest
atew4h2x9m1z   myapp_producer   1/1        producer:latest   *:5000->5000/tcp";

#[test]
fn the_same_lines_fit_whatever_their_ids_and_spaces() {
    assert!(fits(PAGE, PAGE));
    let output = "ID   NAME   REPLICAS   IMAGE\n\nabcdefghijkl  myapp_consumer  2/2  consumer:latest  \n0a1b2c3d4e5f  myapp_producer  1/1  producer:latest *:5050->5000/tcp\n";
    assert!(fits(PAGE, output));
}

#[test]
fn a_wrong_word_does_not_fit() {
    assert!(!fits(PAGE, &PAGE.replace("producer:latest", "producer:newest")));
    assert!(!fits("Swarm initialized", "Swarm initialised"));
    assert!(!fits("Received number: 73", "Received the number: 73"));
    assert!(!fits("Received number: 73", "Received number: none"));
}

#[test]
fn a_missing_line_does_not_fit() {
    let output: Vec<&str> = PAGE.lines().filter(|line| !line.contains("consumer")).collect();
    assert!(!fits(PAGE, &output.join("\n")));
    assert!(!fits("a\n...\nb", "a\nc"));
    assert!(!fits("a", ""));
}

#[test]
fn lines_out_of_order_do_not_fit() {
    let mut output: Vec<&str> = PAGE.lines().collect();
    output.swap(1, 2);
    assert!(!fits(PAGE, &output.join("\n")));
    assert!(!fits("...\na\n...\nb\n...", "b\na"));
}

#[test]
fn the_services_of_a_stack_come_in_any_order() {
    let page = "Creating network n\nCreating service a\nCreating service b";
    assert!(fits(page, "Creating network n\nCreating service b\nCreating service a"));
    assert!(!fits(page, "Creating service b\nCreating network n\nCreating service a"));
    assert!(!fits(page, "Creating network n\nCreating service a\nCreating service c"));
}

#[test]
fn a_line_that_the_page_lacks_does_not_fit() {
    assert!(!fits("a\nb", "a\nx\nb"));
    assert!(!fits("a", "a\nx"));
    assert!(!fits("...\na", "x\na\ny"));
}

#[test]
fn dots_alone_are_any_lines_and_dots_within_a_line_any_text() {
    assert!(fits("a\n...\nb", "a\nb"));
    assert!(fits("a\n…\nb\n...", "a\nx\ny\nb\nz"));
    assert!(fits("...\na\nb", "a\nx\na\nb"), "the gap takes as much as it must");
    assert!(fits("host: … up", "host: any thing up"));
    assert!(!fits("host: … up", "host: any thing down"));
}

#[test]
fn numbers_fit_each_other_but_ratios_are_exact() {
    assert!(fits("Received number: 73", "Received number: 180"));
    assert!(fits("swarmyard-producer-1  0.3s", "swarmyard-producer-12  10.25s"));
    assert!(!fits("myapp_consumer 2/2", "myapp_consumer 0/2"));
    assert!(!fits("myapp_consumer 2/2", "myapp_consumer 2/20"));
}

#[test]
fn ways_to_tell_a_time_fit_each_other() {
    let times = ["21 minutes ago", "About a minute ago", "Less than a second ago", "1 second ago", "about an hour ago"];
    for (page, output) in times.iter().flat_map(|page| times.iter().map(move |output| (page, output))) {
        assert!(fits(&format!("Running {page}"), &format!("Running {output}")), "{page} / {output}");
    }
    assert!(fits("Up 5 seconds (healthy)", "Up About a minute (healthy)"));
    assert!(!fits("Running 21 minutes ago", "Rejected 21 minutes ago"));
    assert!(!fits("Running 21 minutes ago", "Running"));
}

#[test]
fn a_long_name_is_not_an_id() {
    assert!(!fits("notanidentifier x", "abc123def456ghi x"));
    assert!(fits("sha256:4f53cda18c2b x", "sha256:aaaaaaaaaaaabbbb x"));
}

#[test]
fn a_running_command_may_print_more() {
    let shown = vec!["one".to_owned(), "two".to_owned()];
    assert!(compare(&shown, "one\ntwo\nthree", Extent::SoFar).is_ok());
    assert!(compare(&shown, "one\nthree\ntwo", Extent::SoFar).is_err());
    assert!(compare(&shown, "one", Extent::SoFar).is_err());
}
