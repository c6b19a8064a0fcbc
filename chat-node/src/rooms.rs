//! The rooms that this node hosts.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use chat_journal::{Record, RoomFacts, SavedRoom};
use chat_protocol::limits::{DESCRIPTION_CHARS_MAX, ROOM_NAME_CHARS_MAX, ROOMS_MAX, USERNAME_CHARS_MAX};
use chat_protocol::name;
use chat_protocol::text::{fits, is_carried};
use chat_protocol::timestamp::timestamp;
use chat_protocol::{CreateRoom, Room as RoomEntry};
use tokio::sync::Mutex as AsyncMutex;
use uuid::Uuid;

use crate::figures;
use crate::node_id::NodeId;
use crate::room::{Context, Listing, Room, Start};

/// All rooms of this node.
#[derive(Debug)]
pub(crate) struct Rooms {
    node_id: NodeId,
    context: Context,
    table: Mutex<Table>,
    /// Held by who creates a room, as the journal has to be waited for.
    creating: AsyncMutex<()>,
}

#[derive(Debug, Default)]
struct Table {
    /// In the order of their creation.
    rooms: BTreeMap<u64, Arc<Room>>,
    by_id: HashMap<String, u64>,
    by_name: HashMap<String, u64>,
    created: u64,
}

impl Rooms {
    /// The rooms as the journal has kept them.
    pub(crate) fn new(node_id: NodeId, context: Context, saved: Vec<SavedRoom>) -> Self {
        let rooms = Self { node_id, context, table: Mutex::default(), creating: AsyncMutex::default() };
        for room in saved {
            rooms.open(room);
        }
        rooms
    }

    /// Creates a room.
    ///
    /// # Errors
    /// Why not, for the client (protocol, section 3).
    pub(crate) async fn create(&self, request: CreateRoom) -> Result<Arc<Room>, String> {
        check(&request)?;
        let _one_at_a_time = self.creating.lock().await;
        let CreateRoom { room_name, creator_id, description } = request;
        {
            let table = self.table();
            if table.by_name.contains_key(&room_name) {
                return Err(format!("Room with name '{room_name}' already exists"));
            }
            if table.rooms.len() >= ROOMS_MAX {
                return Err(format!("This node has {ROOMS_MAX} rooms already: delete one, or use another node"));
            }
        }
        let facts = RoomFacts {
            id: Uuid::new_v4().to_string(),
            name: room_name,
            description,
            creator_id,
            created_at: timestamp(SystemTime::now()),
        };
        if let Some(journal) = &self.context.journal
            && let Err(error) = journal.write(vec![Record::RoomCreated(facts.clone())]).await
        {
            error.log(&format!("room {:?} is not created", facts.name));
            return Err(format!("The room cannot be recorded: {error}"));
        }
        Ok(self.open(SavedRoom { facts, last_number: 0, history: Vec::new(), remote_members: Vec::new() }))
    }

    fn open(&self, saved: SavedRoom) -> Arc<Room> {
        let SavedRoom { facts, last_number, history, remote_members } = saved;
        let RoomFacts { id, name, description, creator_id, created_at } = facts;
        let listing = Listing {
            room_id: id.clone(),
            room_name: name.clone(),
            description,
            creator_id,
            created_at,
            admin_node: self.node_id.clone(),
            member_count: 0.into(),
            nodes: Mutex::default(),
        };
        let known = |node_id: &str| self.context.peers.get(node_id).map(|peer| peer.id.clone());
        let registered = remote_members.into_iter();
        let room = Arc::new(Room::start(Start {
            listing: Arc::new(listing),
            context: self.context.clone(),
            last_number,
            history: history.into(),
            // A node that is no peer any more cannot be told anything.
            registered: registered
                .filter_map(|member| Some((member.username, known(&member.node_id)?, member.registrations)))
                .collect(),
        }));
        let mut table = self.table();
        table.created += 1;
        let place = table.created;
        table.rooms.insert(place, room.clone());
        table.by_id.insert(id, place);
        table.by_name.insert(name, place);
        figures::rooms().increment(1);
        room
    }

    pub(crate) fn get(&self, room_id: &str) -> Option<Arc<Room>> {
        let table = self.table();
        table.rooms.get(table.by_id.get(room_id)?).cloned()
    }

    /// The rooms, in the order of their creation.
    pub(crate) fn all(&self) -> Vec<Arc<Room>> {
        self.table().rooms.values().cloned().collect()
    }

    /// The rooms as lists show them.
    pub(crate) fn entries(&self, node_address: Option<&str>) -> Vec<RoomEntry> {
        self.table().rooms.values().map(|room| room.listing.entry(node_address.map(str::to_owned))).collect()
    }

    /// The room is deleted.
    pub(crate) fn remove(&self, listing: &Listing) {
        let mut table = self.table();
        if let Some(place) = table.by_id.remove(&listing.room_id) {
            table.by_name.remove(&listing.room_name);
            table.rooms.remove(&place);
            figures::rooms().decrement(1);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Limits and characters (protocol, section 12, rows 6 and 22).
fn check(request: &CreateRoom) -> Result<(), String> {
    let CreateRoom { room_name, creator_id, description } = request;
    if room_name.is_empty() || creator_id.is_empty() {
        return Err("Missing room_name or creator_id".to_owned());
    }
    let description = description.as_deref().unwrap_or_default();
    for (what, text, chars_max) in [
        ("room_name", room_name.as_str(), ROOM_NAME_CHARS_MAX),
        ("creator_id", creator_id, USERNAME_CHARS_MAX),
        ("description", description, DESCRIPTION_CHARS_MAX),
    ] {
        if !fits(text, chars_max) {
            return Err(format!("{what} too long (max {chars_max} characters)"));
        }
        if !is_carried(text) {
            return Err(format!("{what} contains control characters"));
        }
    }
    for (what, given) in [("room_name", room_name), ("creator_id", creator_id)] {
        name::check(given).map_err(|unfit| format!("{what} {unfit}"))?;
    }
    Ok(())
}
