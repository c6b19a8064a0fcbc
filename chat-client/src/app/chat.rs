//! The third screen: a room.

use std::collections::BTreeSet;

use chat_protocol::{ErrorCode, MemberEvent, Request, Room, RoomUser, SendMessage, ServerMessage, limits, text};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tokio::time::Instant;

use super::field::Field;
use super::history::History;
use super::outbox::{Outbox, Outgoing, UNCONFIRMED_MAX};
use super::{Action, App, Notice, Screen, Status};
use crate::link::{REJOIN_DELAY, REJOIN_LIMIT};

/// Whether the user is in the room.
#[derive(Debug)]
pub(crate) enum Membership {
    /// The node was asked.
    Joining,
    Joined,
    /// Removed by the node, as inactive: what is sent next joins again.
    Removed,
    /// The room was not there after a loss; it is asked for again then.
    Retry(Instant),
    /// The room is gone, for this reason.
    Over(String),
}

/// A room, as its member sees it.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) user: RoomUser,
    pub(crate) name: String,
    pub(crate) node: String,
    pub(crate) description: Option<String>,
    pub(crate) members: BTreeSet<String>,
    pub(crate) membership: Membership,
    pub(crate) history: History,
    pub(crate) input: Field,
    pub(crate) outbox: Outbox,
    pub(crate) view: View,
    /// The user was in the room once.
    was_joined: bool,
    /// When the room was lost.
    lost: Option<Instant>,
}

/// What part of the history is shown.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Lines below the lowest that is shown; 0 follows what comes.
    pub(crate) below: usize,
    /// Lines of the last drawing: those shown, and all.
    pub(crate) height: usize,
    pub(crate) total: usize,
    pub(crate) width: u16,
    /// The user wants the members the other way than the size of the screen suggests.
    pub(crate) is_toggled: bool,
}

impl Chat {
    /// A room to be joined, and the request for it.
    pub(super) fn join(user: RoomUser, room: &Room) -> (Self, Vec<Action>) {
        let chat = Self {
            name: room.room_name.clone(),
            node: room.admin_node.clone(),
            description: room.description.clone(),
            members: BTreeSet::new(),
            membership: Membership::Joining,
            history: History::default(),
            input: Field::new("", limits::CONTENT_CHARS_MAX),
            outbox: Outbox::default(),
            view: View::default(),
            was_joined: false,
            lost: None,
            user,
        };
        let actions = vec![chat.join_request()];
        (chat, actions)
    }

    fn join_request(&self) -> Action {
        Action::Send(Request::JoinRoom(self.user.clone()))
    }

    /// Joins again. The list is not wanted for itself: its answer tells that the history has come.
    fn rejoin(&mut self) -> Vec<Action> {
        self.membership = Membership::Joining;
        vec![self.join_request(), Action::Send(Request::ListRooms)]
    }

    /// The field that takes what is typed.
    pub(super) fn field(&mut self) -> Option<&mut Field> {
        (!matches!(self.membership, Membership::Over(_))).then_some(&mut self.input)
    }

    /// Whether an error about joining that room ends this chat before it began.
    pub(super) fn is_first_join_of(&self, room_id: &str) -> bool {
        !self.was_joined && self.user.room_id == room_id
    }

    pub(super) fn connected(&mut self) -> Vec<Action> {
        match self.membership {
            Membership::Over(_) => Vec::new(),
            _ => self.rejoin(),
        }
    }

    pub(super) fn lost(&mut self, reason: &str, now: Instant) {
        self.lost = Some(now);
        self.outbox.lose(self.history.last_number());
        if !matches!(self.membership, Membership::Over(_)) {
            self.membership = Membership::Joining;
            self.history.note(format!("Connection lost: {reason}"));
        }
    }

    pub(super) fn tick(&mut self, now: Instant) -> Vec<Action> {
        match self.membership {
            Membership::Retry(time) if now >= time => self.rejoin(),
            _ => Vec::new(),
        }
    }

    /// Takes in what the node says about this room.
    pub(super) fn read(&mut self, message: &ServerMessage, now: Instant) -> Vec<Action> {
        let is_here = |room_id: &str| room_id == self.user.room_id;
        match message {
            ServerMessage::JoinRoomSuccess(joined) if is_here(&joined.room_id) => {
                self.members = joined.members.iter().cloned().collect();
                self.name.clone_from(&joined.room_name);
                self.node.clone_from(&joined.admin_node);
                self.description.clone_from(&joined.description);
                self.membership = Membership::Joined;
                self.was_joined = true;
                if self.lost.take().is_some() {
                    self.history.note("Connected again");
                }
            }
            ServerMessage::JoinRoomError(error) if is_here(&error.room_id) => self.not_joined(&error.error, now),
            ServerMessage::NewMessage(message) if is_here(&message.room_id) => {
                if message.username == self.user.username {
                    self.outbox.note_echo(&message.content);
                }
                self.history.add(message.clone());
            }
            ServerMessage::MessageSent(sent) if is_here(&sent.room_id) => drop(self.outbox.pop()),
            ServerMessage::MessageError(error) if is_here(&error.room_id) => {
                if let Some(outgoing) = self.outbox.pop() {
                    return self.not_sent(outgoing, &error.error, &error.error_code);
                }
            }
            ServerMessage::MemberJoined(event) if is_here(&event.room_id) => self.member_joined(event),
            ServerMessage::MemberLeft(event) if is_here(&event.room_id) => self.member_left(event),
            ServerMessage::DeleteRoomInitiated(started) if is_here(&started.room_id) => {
                if let Some(initiator) = &started.initiator {
                    self.history.note(format!("{initiator} is deleting the room"));
                }
            }
            ServerMessage::DeleteRoomCancelled(cancelled) if is_here(&cancelled.room_id) => {
                self.history.note("The deletion was cancelled: the room stays");
            }
            ServerMessage::RoomDeleted(deleted) if is_here(&deleted.room_id) => self.end("The room was deleted"),
            ServerMessage::RoomsList(_) if matches!(self.membership, Membership::Joined) => return self.settle(),
            _ => {}
        }
        Vec::new()
    }

    fn not_joined(&mut self, reason: &str, now: Instant) {
        if self.lost.is_none() {
            self.history.note(format!("The room cannot be reached: {reason}"));
        }
        if now - *self.lost.get_or_insert(now) < REJOIN_LIMIT {
            self.membership = Membership::Retry(now + REJOIN_DELAY);
        } else {
            self.end(&format!("The room cannot be joined any more: {reason}"));
        }
    }

    fn end(&mut self, reason: &str) {
        self.history.note(reason);
        self.members.clear();
        self.membership = Membership::Over(reason.to_owned());
    }

    fn member_joined(&mut self, event: &MemberEvent) {
        // An original node may tell who joined of itself.
        if self.members.insert(event.username.clone()) && event.username != self.user.username {
            self.history.note(format!("{} joined", event.username));
        }
    }

    fn member_left(&mut self, event: &MemberEvent) {
        let reason = event.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        self.members.remove(&event.username);
        if event.username == self.user.username {
            self.history.note(format!("You were removed{reason}: the next message joins again"));
            self.membership = Membership::Removed;
        } else {
            self.history.note(format!("{} left{reason}", event.username));
        }
    }

    /// The history has come after a loss: sends again what did not arrive.
    fn settle(&mut self) -> Vec<Action> {
        let verdict = self.outbox.judge(&self.user.username, self.history.messages());
        for content in verdict.unknown {
            self.history.note(format!("Perhaps not sent: {content}"));
        }
        verdict.lost.into_iter().map(|content| self.send(content, false)).collect()
    }

    fn send(&mut self, content: String, is_second_try: bool) -> Action {
        let RoomUser { room_id, username } = self.user.clone();
        self.outbox.push(content.clone(), is_second_try);
        Action::Send(Request::SendMessage(SendMessage { room_id, username, content: Some(content) }))
    }

    fn not_sent(&mut self, outgoing: Outgoing, reason: &str, code: &ErrorCode) -> Vec<Action> {
        let Outgoing { content, is_second_try, .. } = outgoing;
        if *code == ErrorCode::NOT_MEMBER && !is_second_try {
            return vec![self.join_request(), self.send(content, true)];
        }
        self.history.note(format!("Not sent: {reason} ({}): {content}", code.0));
        if self.input.text().is_empty() {
            self.input = Field::new(&content, limits::CONTENT_CHARS_MAX);
        }
        Vec::new()
    }

    fn scroll(&mut self, up: bool, lines: usize) {
        let view = &mut self.view;
        let most = view.total.saturating_sub(view.height);
        view.below = if up { (view.below + lines).min(most) } else { view.below.saturating_sub(lines) };
    }
}

impl App {
    pub(super) fn chat_key(&mut self, key: KeyEvent) -> Vec<Action> {
        let Screen::Chat(chat) = &mut self.screen else { return Vec::new() };
        let page = chat.view.height.saturating_sub(1).max(1);
        let is_over = matches!(chat.membership, Membership::Over(_));
        match key.code {
            KeyCode::Esc => {
                let mut actions = self.leave();
                self.screen = Screen::Rooms;
                actions.extend(self.load_rooms());
                return actions;
            }
            KeyCode::Char('q') if is_over => return self.quit(),
            KeyCode::Tab => chat.view.is_toggled = !chat.view.is_toggled,
            KeyCode::PageUp => chat.scroll(true, page),
            KeyCode::PageDown => chat.scroll(false, page),
            KeyCode::Up => chat.scroll(true, 1),
            KeyCode::Down => chat.scroll(false, 1),
            KeyCode::Home if key.modifiers.contains(KeyModifiers::CONTROL) => chat.scroll(true, usize::MAX / 2),
            KeyCode::End if key.modifiers.contains(KeyModifiers::CONTROL) => chat.scroll(false, usize::MAX),
            KeyCode::Enter if key.modifiers.contains(KeyModifiers::ALT) => {
                chat.field().map(|field| field.paste("\n"));
            }
            KeyCode::Enter if !is_over => return self.say(),
            _ => {
                // Keys that are none for a field do nothing here.
                chat.field().map(|field| field.key(key));
            }
        }
        Vec::new()
    }

    /// Sends what is typed, or says why it stays.
    fn say(&mut self) -> Vec<Action> {
        let Screen::Chat(chat) = &mut self.screen else { return Vec::new() };
        let content = chat.input.text();
        // Requests are handled in their order: who is just joining can speak already.
        let is_there = match chat.membership {
            Membership::Joined | Membership::Removed => true,
            Membership::Joining => chat.lost.is_none(),
            Membership::Retry(_) | Membership::Over(_) => false,
        };
        let problem = if content.is_empty() {
            return Vec::new();
        } else if !matches!(self.status, Status::Online) || !is_there {
            "Not connected to the room: the message stays here until it is"
        } else if !text::is_carried(content) {
            "The message has control characters, which the chat does not carry"
        } else if chat.outbox.len() >= UNCONFIRMED_MAX {
            "The node does not confirm messages: wait for it"
        } else {
            let content = chat.input.take();
            chat.view.below = 0;
            let mut actions = Vec::new();
            if let Membership::Removed = chat.membership {
                actions.push(chat.join_request());
                chat.membership = Membership::Joining;
            }
            actions.push(chat.send(content, false));
            return actions;
        };
        self.notice = Some(Notice::Bad(problem.to_owned()));
        Vec::new()
    }
}
