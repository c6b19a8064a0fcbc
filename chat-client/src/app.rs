//! What the screens know, and how keys, messages and time change it. No terminal and no network here:
//! [`App::update`] takes what happened and gives what is to be done.

use chat_protocol::{Request, ServerMessage};
use jiff::tz::TimeZone;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tokio::time::Instant;

use crate::address::Address;
use crate::arguments::ScreenArguments;
use crate::link::LinkEvent;

pub(crate) mod chat;
pub(crate) mod connect;
pub(crate) mod field;
pub(crate) mod history;
pub(crate) mod outbox;
pub(crate) mod rooms;

#[cfg(test)]
pub(crate) mod tests;

use chat::Chat;
use connect::ConnectForm;
use rooms::RoomList;

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    Key(KeyEvent),
    Paste(String),
    Link(LinkEvent),
    /// Nothing but that time went by.
    Tick,
}

/// What is to be done.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Open a link to this node.
    Connect(Address),
    /// Close the link.
    Disconnect,
    /// Send this over the link.
    Send(Request),
    /// End the program.
    Quit,
}

/// How the link is.
#[derive(Debug)]
pub(crate) enum Status {
    /// There is none.
    Offline,
    /// It is being made for the first time.
    Connecting,
    Online,
    /// It was lost, and comes back by itself.
    Lost {
        reason: String,
        next_try: Instant,
    },
}

/// Something to tell the user once; the next key takes it away.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Notice {
    Good(String),
    Bad(String),
}

#[derive(Debug)]
pub(crate) enum Screen {
    Connect,
    Rooms,
    Chat(Box<Chat>),
}

/// All that the screens know.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) screen: Screen,
    pub(crate) status: Status,
    pub(crate) notice: Option<Notice>,
    pub(crate) connect: ConnectForm,
    pub(crate) rooms: RoomList,
    /// As it is shown once there is a connection, or is to be one.
    pub(crate) username: String,
    pub(crate) address: String,
    /// The time of the last update.
    pub(crate) now: Instant,
    /// Where the reader is: times are shown as clocks are there.
    pub(crate) zone: TimeZone,
}

impl App {
    /// The first screen, with what the command line says filled in; with an address and a name, the
    /// connection is begun.
    pub(crate) fn start(arguments: ScreenArguments, zone: TimeZone, now: Instant) -> (Self, Vec<Action>) {
        let address = arguments.address.and_then(|address| address.0);
        let username = arguments.username.filter(|name| !name.is_empty());
        let is_complete = address.is_some() && username.is_some();
        let mut app = Self {
            screen: Screen::Connect,
            status: Status::Offline,
            notice: None,
            connect: ConnectForm::new(username.as_deref(), address.as_ref()),
            rooms: RoomList { wanted: arguments.room.filter(|room| !room.is_empty()), ..RoomList::default() },
            username: String::new(),
            address: String::new(),
            now,
            zone,
        };
        let actions = if is_complete { app.submit() } else { Vec::new() };
        (app, actions)
    }

    /// Takes in what happened at `now`; gives what is to be done, in this order.
    pub(crate) fn update(&mut self, input: Input, now: Instant) -> Vec<Action> {
        self.now = now;
        match input {
            Input::Key(key) if is_quit(&key) => self.quit(),
            Input::Key(key) => {
                self.notice = None;
                match &mut self.screen {
                    Screen::Connect => self.connect_key(key),
                    Screen::Rooms => self.rooms_key(key),
                    Screen::Chat(_) => self.chat_key(key),
                }
            }
            Input::Paste(text) => {
                self.notice = None;
                let field = match &mut self.screen {
                    Screen::Connect => self.connect.field(),
                    Screen::Rooms => self.rooms.field(),
                    Screen::Chat(chat) => chat.field(),
                };
                if field.is_some_and(|field| !field.paste(&text)) {
                    self.notice = Some(Notice::Bad("It does not fit: the end was left out".to_owned()));
                }
                Vec::new()
            }
            Input::Link(LinkEvent::Connected) => self.connected(),
            Input::Link(LinkEvent::Lost { reason, next_try }) => self.lost(reason, next_try),
            Input::Link(LinkEvent::Message(message)) => self.read(message),
            Input::Tick => match &mut self.screen {
                Screen::Chat(chat) if matches!(self.status, Status::Online) => chat.tick(now),
                _ => Vec::new(),
            },
        }
    }

    /// Ends the program; the room is left first, so that others see it at once.
    pub(crate) fn quit(&self) -> Vec<Action> {
        let mut actions = self.leave();
        actions.push(Action::Quit);
        actions
    }

    /// Leaves the room of the chat, if there is one and somebody to tell.
    fn leave(&self) -> Vec<Action> {
        match &self.screen {
            Screen::Chat(chat) if matches!(self.status, Status::Online) => {
                vec![Action::Send(Request::LeaveRoom(chat.user.clone()))]
            }
            _ => Vec::new(),
        }
    }

    /// Goes back to the first screen.
    fn disconnect(&mut self) -> Vec<Action> {
        self.screen = Screen::Connect;
        self.status = Status::Offline;
        self.rooms = RoomList { wanted: self.rooms.wanted.take(), ..RoomList::default() };
        vec![Action::Disconnect]
    }

    fn connected(&mut self) -> Vec<Action> {
        let is_new = matches!(self.status, Status::Connecting);
        self.status = Status::Online;
        match &mut self.screen {
            Screen::Chat(chat) => chat.connected(),
            Screen::Connect if !is_new => Vec::new(),
            Screen::Connect | Screen::Rooms => {
                self.screen = Screen::Rooms;
                self.load_rooms()
            }
        }
    }

    fn lost(&mut self, reason: String, next_try: Instant) -> Vec<Action> {
        if let Screen::Connect = self.screen {
            // The first connection gets one try: the address may be wrong.
            self.notice = Some(Notice::Bad(format!("Cannot connect to {reason}")));
            return self.disconnect();
        }
        self.rooms.lost();
        if let Screen::Chat(chat) = &mut self.screen
            && matches!(self.status, Status::Online)
        {
            chat.lost(&reason, self.now);
        }
        self.status = Status::Lost { reason, next_try };
        Vec::new()
    }

    fn read(&mut self, message: ServerMessage) -> Vec<Action> {
        if let ServerMessage::JoinRoomError(error) = &message
            && let Screen::Chat(chat) = &self.screen
            && chat.is_first_join_of(&error.room_id)
        {
            self.notice = Some(Notice::Bad(format!("Cannot join {}: {}", chat.name, error.error)));
            self.screen = Screen::Rooms;
            return self.load_rooms();
        }
        let mut actions = match &mut self.screen {
            Screen::Chat(chat) => chat.read(&message, self.now),
            _ => Vec::new(),
        };
        actions.extend(self.read_about_rooms(message));
        actions
    }
}

/// Ctrl-C and Ctrl-Q quit everywhere.
fn is_quit(key: &KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'q' | 'C' | 'Q'))
}
