//! The first screen: who am I, and where is the node.

use chat_protocol::{limits, name};
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::field::Field;
use super::{Action, App, Notice, Status};
use crate::address::{self, Address};

/// Longest text in the address field.
const ADDRESS_CHARS_MAX: usize = 300;

/// What can have the focus, in the order of Tab.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Focus {
    Username,
    Address,
    Connect,
}

/// The first screen's fields.
#[derive(Debug)]
pub(crate) struct ConnectForm {
    pub(crate) username: Field,
    pub(crate) address: Field,
    pub(crate) focus: Focus,
}

impl ConnectForm {
    pub(crate) fn new(username: Option<&str>, address: Option<&Address>) -> Self {
        let focus = if username.is_none() { Focus::Username } else { Focus::Address };
        let address = match address {
            Some(address) => Field::new(&address.to_string(), ADDRESS_CHARS_MAX),
            None => Field::proposing(address::EXAMPLE, ADDRESS_CHARS_MAX),
        };
        Self { username: Field::new(username.unwrap_or_default(), limits::USERNAME_CHARS_MAX), address, focus }
    }

    /// The field that takes what is typed.
    pub(crate) fn field(&mut self) -> Option<&mut Field> {
        match self.focus {
            Focus::Username => Some(&mut self.username),
            Focus::Address => Some(&mut self.address),
            Focus::Connect => None,
        }
    }
}

impl App {
    pub(super) fn connect_key(&mut self, key: KeyEvent) -> Vec<Action> {
        use Focus::{Address, Connect, Username};
        let form = &mut self.connect;
        if let Status::Connecting = self.status {
            // Only to stop it: what is typed meanwhile would not count.
            return if key.code == KeyCode::Esc { self.disconnect() } else { Vec::new() };
        }
        match (key.code, form.focus) {
            (KeyCode::Tab | KeyCode::Down, Username) | (KeyCode::BackTab | KeyCode::Up, Connect) => {
                form.focus = Address;
            }
            (KeyCode::Tab | KeyCode::Down, Address) | (KeyCode::BackTab, Username) => form.focus = Connect,
            (KeyCode::BackTab | KeyCode::Up, Address) | (KeyCode::Tab, Connect) => form.focus = Username,
            (KeyCode::Enter, Username) if !form.username.text().trim().is_empty() => form.focus = Address,
            (KeyCode::Enter, _) | (KeyCode::Char(' '), Connect) => return self.submit(),
            (KeyCode::Char('q'), Connect) => return self.quit(),
            _ => {
                // Keys that are none for a field do nothing here.
                form.field().map(|field| field.key(key));
            }
        }
        Vec::new()
    }

    /// Begins to connect as the fields say, or says what is wrong with them.
    pub(super) fn submit(&mut self) -> Vec<Action> {
        let form = &mut self.connect;
        let username = name::normalise(form.username.text()).trim().to_owned();
        if username.is_empty() {
            form.focus = Focus::Username;
            self.notice = Some(Notice::Bad("Type a user name: others see it beside your messages".to_owned()));
            return Vec::new();
        }
        if let Err(unfit) = name::check(&username) {
            form.focus = Focus::Username;
            self.notice = Some(Notice::Bad(format!("That is no user name: it {unfit}")));
            return Vec::new();
        }
        match form.address.text().parse::<Address>() {
            Ok(address) => {
                self.username = username;
                self.address = address.to_string();
                self.status = Status::Connecting;
                vec![Action::Connect(address)]
            }
            Err(wrong) => {
                form.focus = Focus::Address;
                self.notice = Some(Notice::Bad(format!("Address: {wrong}")));
                Vec::new()
            }
        }
    }
}
