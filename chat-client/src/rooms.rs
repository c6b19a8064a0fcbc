//! Finding a room by what a person calls it.

use chat_protocol::Room;

/// The room of this id, else the first of this name. Those of the asked node come first in a list, so
/// that a name which several nodes use means the nearest room.
pub(crate) fn find<'a>(rooms: &'a [Room], room: &str) -> Option<&'a Room> {
    rooms.iter().find(|it| it.room_id == room).or_else(|| rooms.iter().find(|it| it.room_name == room))
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
}
