//! Finding a room by what a person calls it, and saying which nodes' rooms are not known.

use chat_protocol::{GlobalRoomsList, Room};

/// The room of this id, else the first of this name. Those of the asked node come first in a list, so
/// that a name which several nodes use means the nearest room.
pub(crate) fn find<'a>(rooms: &'a [Room], room: &str) -> Option<&'a Room> {
    rooms.iter().find(|it| it.room_id == room).or_else(|| rooms.iter().find(|it| it.room_name == room))
}

/// The nodes whose rooms a list lacks, and why: `not answering: node2; refusing, see their logs: node3`.
/// Nothing when it has those of all.
pub(crate) fn missing_nodes(list: &GlobalRoomsList) -> Option<String> {
    let is_refusing = |node: &&String| list.nodes_refusing.contains(node);
    let (refusing, silent): (Vec<_>, Vec<_>) = list.nodes_unavailable.iter().partition(is_refusing);
    let name = |nodes: &[&String]| nodes.iter().map(|node| node.as_str()).collect::<Vec<_>>().join(", ");
    let reasons = [("not answering", silent), ("refusing, see their logs", refusing)];
    let reasons = reasons.iter().filter(|(_, nodes)| !nodes.is_empty());
    let reasons: Vec<_> = reasons.map(|(reason, nodes)| format!("{reason}: {}", name(nodes))).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(id: &str, name: &str) -> Room {
        Room {
            room_id: id.to_owned(),
            room_name: name.to_owned(),
            description: None,
            member_count: 0,
            admin_node: "node1".to_owned(),
            creator_id: "alice".to_owned(),
            node_address: None,
        }
    }

    #[test]
    fn an_id_goes_before_a_name_and_the_nearest_room_before_its_namesakes() {
        let rooms = [room("1", "general"), room("2", "general"), room("3", "1")];
        assert_eq!(find(&rooms, "general").map(|it| &*it.room_id), Some("1"));
        assert_eq!(find(&rooms, "1").map(|it| &*it.room_id), Some("1"));
        assert_eq!(find(&rooms, "General"), None);
    }

    #[test]
    fn a_node_that_refuses_is_not_called_silent() {
        let missing = |unavailable: &[&str], refusing: &[&str]| {
            let owned = |nodes: &[&str]| nodes.iter().map(ToString::to_string).collect();
            missing_nodes(&GlobalRoomsList {
                rooms: Vec::new(),
                total_count: 0,
                nodes_queried: Vec::new(),
                nodes_available: Vec::new(),
                nodes_unavailable: owned(unavailable),
                nodes_refusing: owned(refusing),
            })
        };
        assert_eq!(missing(&[], &[]), None);
        assert_eq!(missing(&["a", "b"], &[]).as_deref(), Some("not answering: a, b"));
        assert_eq!(missing(&["a"], &["a"]).as_deref(), Some("refusing, see their logs: a"));
        let both = "not answering: a; refusing, see their logs: b";
        assert_eq!(missing(&["a", "b"], &["b"]).as_deref(), Some(both));
    }
}
