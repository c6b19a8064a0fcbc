//! The second screen: the rooms of this node and of all others.

use chat_protocol::{
    CreateRoom, Failure, GlobalRoomsList, Request, Room, RoomCreated, RoomUser, RoomsList, ServerMessage, limits, name,
    text,
};
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::chat::Chat;
use super::field::Field;
use super::{Action, App, Notice, Screen, Status};
use crate::rooms::{find, missing_nodes};

/// Rooms that Page Up and Page Down pass over.
const PAGE: usize = 10;

/// The second screen.
#[derive(Debug, Default)]
pub(crate) struct RoomList {
    /// Those of the node itself first.
    pub(crate) rooms: Vec<Room>,
    /// The node's name, once it is known.
    pub(crate) node: Option<String>,
    /// The nodes whose rooms are not in the list, and why.
    pub(crate) missing_nodes: Option<String>,
    /// The id of the chosen room.
    pub(super) selected: Option<String>,
    /// The list was asked for and is not complete yet.
    pub(crate) is_loading: bool,
    /// The list was complete once.
    pub(crate) is_known: bool,
    pub(crate) dialog: Option<Dialog>,
    /// The room to join as soon as it is listed, from the command line.
    pub(crate) wanted: Option<String>,
}

/// A question over the list.
#[derive(Debug)]
pub(crate) enum Dialog {
    Create {
        name: Field,
        description: Field,
        /// Whether the second field has the focus.
        is_description: bool,
    },
    Delete(Room),
}

impl RoomList {
    /// The field that takes what is typed.
    pub(crate) fn field(&mut self) -> Option<&mut Field> {
        match &mut self.dialog {
            Some(Dialog::Create { description, is_description: true, .. }) => Some(description),
            Some(Dialog::Create { name, .. }) => Some(name),
            _ => None,
        }
    }

    /// Where in the list the chosen room is.
    pub(crate) fn selected(&self) -> Option<usize> {
        let position = self.selected.as_ref().and_then(|id| self.rooms.iter().position(|room| room.room_id == *id));
        position.or((!self.rooms.is_empty()).then_some(0))
    }

    fn select(&mut self, index: usize) {
        let last = self.rooms.len().saturating_sub(1);
        self.selected = self.rooms.get(index.min(last)).map(|room| room.room_id.clone());
    }

    fn selected_room(&self) -> Option<&Room> {
        self.rooms.get(self.selected()?)
    }

    pub(super) fn lost(&mut self) {
        self.is_loading = false;
    }
}

/// Whether a room is of the node that was asked: only others carry an address.
pub(crate) fn is_local(room: &Room) -> bool {
    room.node_address.is_none()
}

impl App {
    /// Asks for the rooms: the node's own come at once, all of them when the other nodes have answered.
    pub(super) fn load_rooms(&mut self) -> Vec<Action> {
        if self.rooms.is_loading || !matches!(self.status, Status::Online) {
            return Vec::new();
        }
        self.rooms.is_loading = true;
        vec![Action::Send(Request::ListRooms), Action::Send(Request::DiscoverRooms)]
    }

    pub(super) fn rooms_key(&mut self, key: KeyEvent) -> Vec<Action> {
        if self.rooms.dialog.is_some() {
            return self.dialog_key(key);
        }
        let rooms = &mut self.rooms;
        let selected = rooms.selected().unwrap_or(0);
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => rooms.select(selected.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => rooms.select(selected + 1),
            KeyCode::PageUp => rooms.select(selected.saturating_sub(PAGE)),
            KeyCode::PageDown => rooms.select(selected + PAGE),
            KeyCode::Home => rooms.select(0),
            KeyCode::End => rooms.select(usize::MAX),
            KeyCode::Char('q') => return self.quit(),
            KeyCode::Esc => return self.disconnect(),
            _ if !matches!(self.status, Status::Online) => {}
            KeyCode::Char('r') => return self.load_rooms(),
            KeyCode::Char('c') => {
                rooms.dialog = Some(Dialog::Create {
                    name: Field::new("", limits::ROOM_NAME_CHARS_MAX),
                    description: Field::new("", limits::DESCRIPTION_CHARS_MAX),
                    is_description: false,
                });
            }
            KeyCode::Char('d') | KeyCode::Delete => self.ask_to_delete(),
            KeyCode::Enter => {
                if let Some(room) = rooms.selected_room().cloned() {
                    return self.join(&room);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn join(&mut self, room: &Room) -> Vec<Action> {
        let user = RoomUser { room_id: room.room_id.clone(), username: self.username.clone() };
        self.rooms.selected = Some(room.room_id.clone());
        self.rooms.is_loading = false;
        let (chat, actions) = Chat::join(user, room);
        self.screen = Screen::Chat(Box::new(chat));
        actions
    }

    fn ask_to_delete(&mut self) {
        let Some(room) = self.rooms.selected_room() else { return };
        let reason = if room.creator_id != self.username {
            format!("Only {}, who created it, can delete {}", room.creator_id, room.room_name)
        } else if !is_local(room) {
            format!("{} can be deleted only on its node, {}: connect there", room.room_name, room.admin_node)
        } else {
            self.rooms.dialog = Some(Dialog::Delete(room.clone()));
            return;
        };
        self.notice = Some(Notice::Bad(reason));
    }

    fn dialog_key(&mut self, key: KeyEvent) -> Vec<Action> {
        if key.code == KeyCode::Esc {
            self.rooms.dialog = None;
            return Vec::new();
        }
        match &mut self.rooms.dialog {
            Some(Dialog::Delete(room)) => match key.code {
                KeyCode::Char('y' | 'Y') => {
                    let user = RoomUser { room_id: room.room_id.clone(), username: self.username.clone() };
                    self.rooms.dialog = None;
                    return vec![Action::Send(Request::DeleteRoom(user))];
                }
                KeyCode::Char('n' | 'N') => self.rooms.dialog = None,
                _ => {}
            },
            Some(Dialog::Create { is_description, .. }) => match key.code {
                KeyCode::Tab | KeyCode::BackTab | KeyCode::Up | KeyCode::Down => *is_description = !*is_description,
                KeyCode::Enter => return self.create(),
                _ => {
                    // Keys that are none for a field do nothing here.
                    self.rooms.field().map(|field| field.key(key));
                }
            },
            None => {}
        }
        Vec::new()
    }

    fn create(&mut self) -> Vec<Action> {
        let Some(Dialog::Create { name, description, is_description }) = &mut self.rooms.dialog else {
            return Vec::new();
        };
        let room_name = name::normalise(name.text()).trim().to_owned();
        let description = description.text().trim().to_owned();
        if room_name.is_empty() {
            *is_description = false;
            self.notice = Some(Notice::Bad("Type a name for the room".to_owned()));
            return Vec::new();
        }
        if let Err(unfit) = name::check(&room_name) {
            *is_description = false;
            self.notice = Some(Notice::Bad(format!("That is no name: it {unfit}")));
            return Vec::new();
        }
        if !text::is_carried(&description) {
            self.notice = Some(Notice::Bad("A description cannot have control characters".to_owned()));
            return Vec::new();
        }
        self.rooms.dialog = None;
        vec![Action::Send(Request::CreateRoom(CreateRoom {
            room_name,
            creator_id: self.username.clone(),
            description: (!description.is_empty()).then_some(description),
        }))]
    }

    /// Takes in what a node says about rooms, whichever screen is shown.
    pub(super) fn read_about_rooms(&mut self, message: ServerMessage) -> Vec<Action> {
        match message {
            ServerMessage::RoomsList(RoomsList { rooms, .. }) => {
                let others = self.rooms.rooms.drain(..).filter(|room| !is_local(room));
                self.rooms.rooms = rooms.into_iter().chain(others).collect();
                return self.join_wanted();
            }
            ServerMessage::GlobalRoomsList(list) => return self.list(list),
            ServerMessage::RoomCreated(RoomCreated::Created { room_id, room_name, admin_node, .. }) => {
                let room = Room {
                    room_id,
                    room_name,
                    description: None,
                    member_count: 0,
                    admin_node,
                    creator_id: self.username.clone(),
                    node_address: None,
                };
                if matches!(self.screen, Screen::Rooms) && self.rooms.dialog.is_none() {
                    return self.join(&room);
                }
            }
            ServerMessage::RoomCreated(RoomCreated::Refused(failure)) => {
                self.notice = Some(Notice::Bad(format!("The room was not created: {}", failure.message)));
            }
            ServerMessage::DeleteRoomSuccess(_) => {
                self.notice = Some(Notice::Good("The room was deleted".to_owned()));
                self.rooms.is_loading = false;
                return self.load_rooms();
            }
            ServerMessage::DeleteRoomFailed(failed) => {
                self.notice = Some(Notice::Bad(format!("The room was not deleted: {}", failed.reason)));
            }
            ServerMessage::Error(Failure { message, .. }) => {
                self.rooms.is_loading = false;
                self.notice = Some(Notice::Bad(format!("The node answered with an error: {message}")));
            }
            _ => {}
        }
        Vec::new()
    }

    fn list(&mut self, list: GlobalRoomsList) -> Vec<Action> {
        self.rooms.missing_nodes = missing_nodes(&list);
        let GlobalRoomsList { rooms, nodes_queried, .. } = list;
        self.rooms.rooms = rooms;
        self.rooms.node = nodes_queried.into_iter().next();
        self.rooms.is_loading = false;
        self.rooms.is_known = true;
        let actions = self.join_wanted();
        if let Some(wanted) = self.rooms.wanted.take() {
            self.notice = Some(Notice::Bad(format!("No node has a room {wanted}: choose one, or create it")));
        }
        actions
    }

    /// Joins the room of the command line if it is listed by now.
    fn join_wanted(&mut self) -> Vec<Action> {
        let room = self.rooms.wanted.as_ref().and_then(|wanted| find(&self.rooms.rooms, wanted)).cloned();
        match room {
            Some(room) if matches!(self.screen, Screen::Rooms) => {
                self.rooms.wanted = None;
                self.join(&room)
            }
            _ => Vec::new(),
        }
    }
}
