//! `chat-client send`: messages from the command line or stdin, each confirmed.

use std::io::{self, BufRead, Read};
use std::thread;

use chat_protocol::{ErrorCode, MessageSent, Request, RoomUser, SendMessage, ServerMessage, limits, text};
use tokio::sync::mpsc;

use crate::arguments::SendArguments;
use crate::connection::Connection;
use crate::script::{self, Missing, ScriptError};

/// Lines of stdin that wait to be sent; then stdin is read no further.
const LINES_WAITING_MAX: usize = 16;

/// Longest line of stdin, in bytes: what the longest content can have at most. A longer one ends the
/// program.
const LINE_BYTES_MAX: u64 = 4 * limits::CONTENT_CHARS_MAX as u64 + 2;

/// Sends what `arguments` say.
pub(crate) async fn run(arguments: SendArguments) -> Result<(), ScriptError> {
    let mut connection = Connection::open(&arguments.address).await?;
    let missing = if arguments.create {
        Missing::Create(&arguments.username)
    } else {
        Missing::Refuse("; with --create it is created")
    };
    let room_id = script::find_room(&mut connection, &arguments.room, missing).await?;
    let user = RoomUser { room_id, username: arguments.username };
    let mut sender = Sender { connection, user, room: arguments.room, json: arguments.json, confirmed: 0 };
    sender.join().await?;
    if arguments.text.is_empty() {
        sender.send_lines().await?;
    } else {
        sender.send("the message", arguments.text.join(" ")).await?;
    }
    sender.connection.ask(&Request::LeaveRoom(sender.user)).await?;
    sender.connection.close().await;
    Ok(())
}

struct Sender {
    connection: Connection,
    user: RoomUser,
    /// As the user calls it.
    room: String,
    json: bool,
    confirmed: u64,
}

impl Sender {
    async fn join(&mut self) -> Result<(), ScriptError> {
        match self.connection.ask(&Request::JoinRoom(self.user.clone())).await? {
            ServerMessage::JoinRoomError(error) => {
                Err(ScriptError::not_joined(&self.room, error.error, &error.error_code))
            }
            ServerMessage::Error(failure) => Err(ScriptError::Refused(failure.message)),
            _ => Ok(()),
        }
    }

    async fn send_lines(&mut self) -> Result<(), ScriptError> {
        let mut lines = lines_of_stdin();
        let mut number = 0_u64;
        loop {
            tokio::select! {
                line = lines.recv() => match line {
                    None => return Ok(()),
                    Some(line) => {
                        number += 1;
                        let line = line.map_err(ScriptError::Stdin)?;
                        if !line.is_empty() {
                            self.send(&format!("line {number}"), line).await?;
                        }
                    }
                },
                // Somebody types slowly: meanwhile the connection is kept, and others are passed over.
                message = self.connection.next() => match message? {
                    ServerMessage::RoomDeleted(deleted) if deleted.room_id == self.user.room_id => {
                        return Err(ScriptError::Deleted { room: self.room.clone() });
                    }
                    _ => {}
                },
            }
        }
    }

    /// Sends one message and waits for its confirmation. `name` is what an error calls it.
    async fn send(&mut self, name: &str, content: String) -> Result<(), ScriptError> {
        if !text::is_carried(&content) {
            return Err(self.not_sent(name, "it has control characters, which the chat does not carry"));
        }
        let RoomUser { room_id, username } = self.user.clone();
        let request = Request::SendMessage(SendMessage { room_id, username, content: Some(content) });
        let mut reply = self.connection.ask(&request).await;
        if let Ok(ServerMessage::MessageError(error)) = &reply
            && error.error_code == ErrorCode::NOT_MEMBER
        {
            // Removed as inactive while stdin had nothing to send.
            self.join().await?;
            reply = self.connection.ask(&request).await;
        }
        match reply {
            Ok(ServerMessage::MessageSent(sent)) => self.confirm(&sent),
            Ok(ServerMessage::MessageError(error)) => {
                Err(self.not_sent(name, &format!("{} ({})", error.error, error.error_code.0)))
            }
            Ok(ServerMessage::Error(failure)) => Err(self.not_sent(name, &failure.message)),
            Ok(_) => Err(self.not_sent(name, "the node answered something else")),
            Err(lost) => Err(self.not_sent(name, &format!("{lost}; it may have arrived all the same"))),
        }
    }

    fn confirm(&mut self, sent: &MessageSent) -> Result<(), ScriptError> {
        self.confirmed += 1;
        if self.json {
            // Text and numbers always serialise. Who reads no more wants the messages sent all the same.
            let line = serde_json::to_string(sent).unwrap_or_default();
            script::print(&crate::visible::json(&line))?;
        }
        Ok(())
    }

    fn not_sent(&self, name: &str, reason: &str) -> ScriptError {
        let confirmed = match self.confirmed {
            0 => String::new(),
            1 => "; one message before it was".to_owned(),
            number => format!("; the {number} messages before it were"),
        };
        ScriptError::NotSent { message: name.to_owned(), reason: reason.to_owned(), confirmed }
    }
}

/// Reads stdin in a thread of its own, which waits while nobody takes its lines.
fn lines_of_stdin() -> mpsc::Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel(LINES_WAITING_MAX);
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        while let Some(line) = next_line(&mut stdin).transpose() {
            let is_end = line.is_err();
            if sender.blocking_send(line).is_err() || is_end {
                return;
            }
        }
    });
    receiver
}

fn next_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let size = input.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if size == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && size as u64 == LINE_BYTES_MAX {
        let longest = limits::CONTENT_CHARS_MAX;
        return Err(io::Error::other(format!("a line is longer than any message: {longest} characters")));
    }
    let line = String::from_utf8(line).map_err(|_| io::Error::other("a line is not UTF-8 text"))?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(Some(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_a_break_or_with_the_input() {
        let mut input = "one\r\n\ntwo\nthree".as_bytes();
        let lines: Vec<_> = std::iter::from_fn(|| next_line(&mut input).unwrap()).collect();
        assert_eq!(lines, ["one", "", "two", "three"]);
    }

    #[test]
    fn a_line_that_no_message_can_hold_is_refused() {
        let endless = vec![b'a'; 100_000];
        assert!(next_line(&mut &endless[..]).is_err_and(|error| error.to_string().contains("5000")));
        assert!(next_line(&mut &b"\xff\n"[..]).is_err_and(|error| error.to_string().contains("UTF-8")));
        let longest = "🦊".repeat(limits::CONTENT_CHARS_MAX) + "\n";
        assert_eq!(next_line(&mut longest.as_bytes()).unwrap().unwrap().chars().count(), limits::CONTENT_CHARS_MAX);
    }
}
