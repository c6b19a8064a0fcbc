//! What people call a miner.

/// Most characters of a name; the rest is cut off.
const NAME_CHARACTERS_MAX: usize = 60;

/// `miner.2 on pi4`: the task as `SERVED_BY` names it, or the host, and the node as `NODE_NAME` names it.
///
/// On a Swarm, `SERVED_BY` is `STACK_SERVICE.SLOT@NODE`. The stack is the same for all miners and is left out; the
/// node counts where there is no `NODE_NAME`.
pub(crate) fn name(served_by: &str, node: Option<&str>) -> String {
    let (task, own_node) = served_by.split_once('@').map_or((served_by, None), |(task, node)| (task, Some(node)));
    let task = task.rsplit_once('_').map_or(task, |(_, task)| task);
    let name = node.or(own_node).map_or_else(|| task.to_owned(), |node| format!("{task} on {node}"));
    name.chars().take(NAME_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_task_and_the_node_as_far_as_they_are_known() {
        for (served_by, node, expected) in [
            ("yard_miner.2@pi4", Some("pi4"), "miner.2 on pi4"),
            ("miner.2@pi4", None, "miner.2 on pi4"),
            ("4f1c2a9be07d", Some("pi4"), "4f1c2a9be07d on pi4"),
            ("miner-1", None, "miner-1"),
        ] {
            assert_eq!(name(served_by, node), expected);
        }
        assert_eq!(name(&"m".repeat(1000), None).len(), NAME_CHARACTERS_MAX);
    }
}
