//! A stack's tasks, and what changes about them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A task, as `docker stack ps --format json` tells of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Task {
    #[serde(rename = "ID")]
    id: String,
    name: String,
    image: String,
    /// Empty while the task has none.
    node: String,
    current_state: String,
    error: String,
}

/// What is new about a task.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Change {
    /// Its name without the stack's.
    pub(crate) task: String,
    pub(crate) node: String,
    pub(crate) image: String,
    /// Its state before; nothing of a task that is new.
    pub(crate) from: Option<String>,
    /// Its state now; nothing of a task that is gone.
    pub(crate) to: Option<String>,
    /// What Docker says is wrong with it, if anything.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) error: String,
}

/// The tasks that are known.
#[derive(Debug, Default)]
pub(crate) struct Tasks(BTreeMap<String, Task>);

impl Task {
    /// Reads a line of `docker stack ps --format '{{json .}}'`.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn from_line(line: &str) -> serde_json::Result<Self> {
        let mut task: Self = serde_json::from_str(line)?;
        // The second and later tasks of a slot are indented so.
        task.name = task.name.trim_start_matches(r"\_ ").to_owned();
        Ok(task)
    }

    /// The state without the time: `running` of `Running 3 seconds ago`.
    fn state(&self) -> String {
        self.current_state.split_whitespace().next().unwrap_or_default().to_lowercase()
    }

    /// Whether it has come to its end, and does nothing any more.
    fn is_over(&self) -> bool {
        ["complete", "shutdown", "failed", "rejected", "orphaned", "remove"].contains(&&*self.state())
    }

    fn change(&self, stack: &str, from: Option<String>, to: Option<String>) -> Change {
        let task = self.name.strip_prefix(stack).and_then(|name| name.strip_prefix('_')).unwrap_or(&self.name);
        let (node, image) = (self.node.clone(), self.image.clone());
        Change { task: task.to_owned(), node, image, from, to, error: self.error.clone() }
    }
}

impl Tasks {
    /// Takes in what there is now; gives what has changed, in the order of the tasks' names. What is over when it is
    /// first seen is history, and nothing new.
    pub(crate) fn take(&mut self, stack: &str, now: Vec<Task>) -> Vec<Change> {
        let is_first = self.0.is_empty();
        let mut before = std::mem::take(&mut self.0);
        let mut changes = Vec::new();
        for task in now {
            let old = before.remove(&task.id);
            let from = old.as_ref().map(Task::state);
            let is_news = match &old {
                Some(old) => old.state() != task.state() || (old.error.is_empty() && !task.error.is_empty()),
                None => !(is_first && task.is_over()),
            };
            if is_news {
                changes.push(task.change(stack, from, Some(task.state())));
            }
            self.0.insert(task.id.clone(), task);
        }
        // Docker forgets the oldest tasks of a slot: that these are over was told before.
        let gone = before.into_values().filter(|task| !task.is_over());
        changes.extend(gone.map(|task| task.change(stack, Some(task.state()), None)));
        changes.sort_by(|one, other| one.task.cmp(&other.task));
        changes
    }
}

impl Change {
    /// Whether the task has come to a bad end.
    pub(crate) fn is_failure(&self) -> bool {
        let is_bad = |state: &Option<String>| matches!(state.as_deref(), Some("failed" | "rejected"));
        is_bad(&self.to) && !is_bad(&self.from)
    }

    /// One line.
    pub(crate) fn line(&self) -> String {
        let Self { task, node, image, from, to, error } = self;
        let node = if node.is_empty() { "no node" } else { node };
        let state = match (from, to) {
            (None, Some(to)) => to.clone(),
            (Some(from), Some(to)) if from == to => to.clone(),
            (Some(from), Some(to)) => format!("{from} → {to}"),
            (from, None) => format!("{} → gone", from.as_deref().unwrap_or_default()),
        };
        let error = if error.is_empty() { String::new() } else { format!("  {error}") };
        format!("{task:24} {node:12} {state:24} {image}{error}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line as Docker 28 prints it.
    fn line(id: &str, name: &str, node: &str, state: &str, error: &str) -> String {
        serde_json::json!({
            "CurrentState": state,
            "DesiredState": "Running",
            "Error": error,
            "ID": id,
            "Image": "producer:latest",
            "Name": name,
            "Node": node,
            "Ports": "",
        })
        .to_string()
    }

    fn task(id: &str, name: &str, node: &str, state: &str, error: &str) -> Task {
        Task::from_line(&line(id, name, node, state, error)).unwrap()
    }

    fn shown(changes: &[Change]) -> Vec<String> {
        let words = |change: &Change| change.line().split_whitespace().collect::<Vec<_>>().join(" ");
        changes.iter().map(words).collect()
    }

    #[test]
    fn what_runs_is_told_at_first_and_what_is_history_is_not() {
        let mut tasks = Tasks::default();
        let changes = tasks.take(
            "yard",
            vec![
                task("b", "yard_producer.1", "pi2", "Running about a minute ago", ""),
                task("a", r"\_ yard_producer.1", "pi1", "Failed 2 minutes ago", "task: non-zero exit (1)"),
                task("c", "yard_api.1", "", "Pending 3 seconds ago", "no suitable node"),
            ],
        );
        let expected =
            ["api.1 no node pending producer:latest no suitable node", "producer.1 pi2 running producer:latest"];
        assert_eq!(shown(&changes), expected);
        assert!(!changes.iter().any(Change::is_failure));
    }

    #[test]
    fn tasks_are_told_as_they_come_change_and_go() {
        let mut tasks = Tasks::default();
        let running =
            |id: &str, seconds: u32| task(id, "yard_producer.1", "pi1", &format!("Running {seconds} seconds ago"), "");
        tasks.take("yard", vec![running("a", 1)]);
        assert!(tasks.take("yard", vec![running("a", 2)]).is_empty());

        let next = |state: &str| task("b", "yard_producer.1", "pi2", state, "");
        let changes = tasks.take("yard", vec![next("Preparing 1 second ago"), running("a", 3)]);
        assert_eq!(shown(&changes), ["producer.1 pi2 preparing producer:latest"]);
        let changes = tasks.take("yard", vec![next("Running 1 second ago"), running("a", 4)]);
        assert_eq!(shown(&changes), ["producer.1 pi2 preparing → running producer:latest"]);
        let over = || task("a", r"\_ yard_producer.1", "pi1", "Shutdown 1 second ago", "");
        let changes = tasks.take("yard", vec![next("Running 2 seconds ago"), over()]);
        assert_eq!(shown(&changes), ["producer.1 pi1 running → shutdown producer:latest"]);
        // Docker forgets the old one, and then the whole stack is removed.
        assert!(tasks.take("yard", vec![next("Running 3 seconds ago")]).is_empty());
        assert_eq!(shown(&tasks.take("yard", vec![])), ["producer.1 pi2 running → gone producer:latest"]);
    }

    #[test]
    fn a_bad_end_is_a_failure_once() {
        let mut tasks = Tasks::default();
        tasks.take("yard", vec![task("a", "yard_producer.1", "pi1", "Running 1 second ago", "")]);
        let failed = |ago: &str| task("a", "yard_producer.1", "pi1", &format!("Failed {ago} ago"), "task: exit (137)");
        let changes = tasks.take("yard", vec![failed("less than a second")]);
        assert_eq!(shown(&changes), ["producer.1 pi1 running → failed producer:latest task: exit (137)"]);
        assert!(changes[0].is_failure());
        assert!(tasks.take("yard", vec![failed("1 second")]).is_empty());
        // One that was never seen before, since it failed at once.
        let rejected = task("b", "yard_producer.1", "pi1", "Rejected 1 second ago", "No such image: producer:none");
        let changes = tasks.take("yard", vec![rejected, failed("2 seconds")]);
        assert_eq!(changes.iter().filter(|change| change.is_failure()).count(), 1);
    }

    #[test]
    fn what_is_no_task_is_an_error() {
        for wrong in ["", "{}", "nothing found in stack: yard", r#"{"ID":"a"}"#] {
            assert!(Task::from_line(wrong).is_err(), "{wrong}");
        }
    }
}
