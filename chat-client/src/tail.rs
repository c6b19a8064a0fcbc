//! `chat-client tail`: a room's messages as lines on stdout.

use std::io::{self, Write};
use std::time::Duration;
use std::{process, thread};

use chat_protocol::{ChatMessage, Request, RoomUser, ServerMessage};
use jiff::tz::TimeZone;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::arguments::TailArguments;
use crate::connection::{Lost, REPLY_TIMEOUT};
use crate::link::{Link, LinkEvent, REJOIN_DELAY, REJOIN_LIMIT};
use crate::order::Order;
use crate::script::{self, ScriptError};
use crate::{rooms, visible};

/// Longest time without a connection; then the program ends. The first connection gets one try.
const RECONNECT_LIMIT: Duration = Duration::from_mins(10);

/// Longest wait after Ctrl-C for a stdout that takes nothing; then the program ends all the same.
const END_TIMEOUT: Duration = Duration::from_secs(3);

/// Far enough away for a wait that something else is to end.
const NEVER: Duration = Duration::from_hours(24);

/// Prints until the end of stdout, of the room, or of so many lines, or until a signal.
pub(crate) async fn run(arguments: TailArguments) -> Result<(), ScriptError> {
    let stop = end_on_signal()?;
    end_without_reader(stop.clone());
    let mut link = Link::open(arguments.address.clone());
    let mut tail = Tail::new(arguments);
    let result = tail.follow(&mut link, &stop).await;
    if let (State::Joined, Some(room_id)) = (&tail.state, &tail.room_id) {
        link.send(Request::LeaveRoom(tail.user(room_id)));
    }
    link.close().await;
    result
}

/// A token that the first SIGINT or SIGTERM cancels; the program then ends within [`END_TIMEOUT`].
fn end_on_signal() -> Result<CancellationToken, ScriptError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ScriptError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ScriptError::Signals)?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        token.cancel();
        sleep(END_TIMEOUT).await;
        process::exit(0);
    });
    Ok(stop)
}

/// Cancels the token when whoever reads stdout is gone, as `| head` is when it has enough: in a quiet
/// room the next message, which could not be written, may be far away.
fn end_without_reader(stop: CancellationToken) {
    // A thread of its own, for as long as the program runs: nothing can end this wait.
    thread::spawn(move || {
        let stdout = io::stdout();
        loop {
            let mut stdout = [PollFd::new(&stdout, PollFlags::empty())];
            match poll(&mut stdout, None) {
                Ok(_) if stdout[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => break stop.cancel(),
                Err(Errno::INTR) => {}
                // A kind of stdout that cannot be watched: the next message shall tell.
                Ok(_) | Err(_) => break,
            }
        }
    });
}

#[derive(Debug)]
enum State {
    /// No connection, since then; nothing was ever connected when there is no time.
    Offline(Option<Instant>),
    /// The node was asked for something, then.
    Asked(Instant),
    Joined,
    /// The room could not be joined again; the next try is then.
    Retry(Instant),
}

struct Tail {
    room: String,
    username: String,
    json: bool,
    lines_left: Option<u64>,
    room_id: Option<String>,
    /// When the room was lost; it is given up [`REJOIN_LIMIT`] after that.
    lost: Option<Instant>,
    state: State,
    order: Order,
    zone: TimeZone,
}

impl Tail {
    fn new(arguments: TailArguments) -> Self {
        let username = arguments.username.filter(|name| !name.is_empty());
        Self {
            room: arguments.room,
            username: username.unwrap_or_else(|| format!("tail-{}", process::id())),
            json: arguments.json,
            lines_left: arguments.lines,
            room_id: None,
            lost: None,
            state: State::Offline(None),
            order: Order::default(),
            zone: TimeZone::system(),
        }
    }

    fn user(&self, room_id: &str) -> RoomUser {
        RoomUser { room_id: room_id.to_owned(), username: self.username.clone() }
    }

    async fn follow(&mut self, link: &mut Link, stop: &CancellationToken) -> Result<(), ScriptError> {
        loop {
            let now = Instant::now();
            while let Some(message) = self.order.next(now) {
                if !self.print(&message)? {
                    return Ok(());
                }
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                event = link.event() => match event {
                    Some(event) => self.take(event, link)?,
                    None => return Ok(()),
                },
                () = sleep_until(self.deadline()) => self.wake(link)?,
            }
        }
    }

    /// When something is to be done although nothing happens.
    fn deadline(&self) -> Instant {
        let state = match self.state {
            State::Asked(since) => Some(since + REPLY_TIMEOUT),
            State::Retry(time) => Some(time),
            State::Offline(_) | State::Joined => None,
        };
        let deadline = state.into_iter().chain(self.order.deadline()).min();
        deadline.unwrap_or_else(|| Instant::now() + NEVER)
    }

    fn wake(&mut self, link: &mut Link) -> Result<(), ScriptError> {
        let now = Instant::now();
        match self.state {
            State::Asked(since) if now >= since + REPLY_TIMEOUT => Err(Lost::NoReply.into()),
            State::Retry(time) if now >= time => {
                self.ask(link);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn ask(&mut self, link: &mut Link) {
        link.send(match &self.room_id {
            Some(room_id) => Request::JoinRoom(self.user(room_id)),
            None => Request::DiscoverRooms,
        });
        self.state = State::Asked(Instant::now());
    }

    fn take(&mut self, event: LinkEvent, link: &mut Link) -> Result<(), ScriptError> {
        match event {
            LinkEvent::Connected => {
                self.ask(link);
                Ok(())
            }
            LinkEvent::Lost { reason, next_try } => self.lose(reason, next_try),
            LinkEvent::Message(message) => self.read(message, link),
        }
    }

    fn lose(&mut self, reason: String, next_try: Instant) -> Result<(), ScriptError> {
        let now = Instant::now();
        let since = match self.state {
            // Also a first connection that is lost before the room was found.
            _ if self.room_id.is_none() => return Err(ScriptError::NotConnected(reason)),
            State::Offline(since) => since.unwrap_or(now),
            _ => now,
        };
        if now - since > RECONNECT_LIMIT {
            return Err(ScriptError::GivenUp { limit: RECONNECT_LIMIT, reason });
        }
        let wait = next_try.saturating_duration_since(now).as_secs_f64();
        note(&format!("{reason}; connecting again in {wait:.1} s"));
        self.state = State::Offline(Some(since));
        self.lost = Some(now);
        Ok(())
    }

    fn read(&mut self, message: ServerMessage, link: &mut Link) -> Result<(), ScriptError> {
        let is_here = |room_id: &str| self.room_id.as_deref() == Some(room_id);
        match message {
            ServerMessage::GlobalRoomsList(list) => match rooms::find(&list.rooms, &self.room) {
                Some(room) => {
                    self.room_id = Some(room.room_id.clone());
                    self.ask(link);
                }
                None => return Err(ScriptError::no_room(&self.room, rooms::missing_nodes(&list), "")),
            },
            ServerMessage::JoinRoomSuccess(joined) if is_here(&joined.room_id) => {
                self.state = State::Joined;
                self.lost = None;
            }
            ServerMessage::JoinRoomError(error) if is_here(&error.room_id) => match self.lost {
                Some(lost) if lost.elapsed() < REJOIN_LIMIT => {
                    self.state = State::Retry(Instant::now() + REJOIN_DELAY);
                }
                _ => return Err(ScriptError::not_joined(&self.room, error.error, &error.error_code)),
            },
            ServerMessage::NewMessage(message) if is_here(&message.room_id) => self.order.take(message, Instant::now()),
            // Removed as inactive: reading is all that this one does.
            ServerMessage::MemberLeft(left) if is_here(&left.room_id) && left.username == self.username => {
                self.ask(link);
            }
            ServerMessage::RoomDeleted(deleted) if is_here(&deleted.room_id) => {
                return Err(ScriptError::Deleted { room: self.room.clone() });
            }
            ServerMessage::Error(failure) => return Err(ScriptError::Refused(failure.message)),
            _ => {}
        }
        Ok(())
    }

    /// Prints a message; false when there is nothing more to print.
    fn print(&mut self, message: &ChatMessage) -> Result<bool, ScriptError> {
        let line = if self.json {
            // Text and numbers always serialise.
            visible::json(&serde_json::to_string(message).unwrap_or_default())
        } else {
            let ChatMessage { username, content, timestamp, .. } = message;
            let (name, text) = (visible::one_line(username), visible::one_line(content));
            format!("{}  {name}: {text}", visible::time_of_day(timestamp, &self.zone))
        };
        if !script::print(&line)? {
            return Ok(false);
        }
        self.lines_left = self.lines_left.map(|lines| lines.saturating_sub(1));
        Ok(self.lines_left != Some(0))
    }
}

/// Says on stderr what a person may want to know.
fn note(text: &str) {
    // Without a stderr there is nobody to tell.
    let _ = writeln!(io::stderr(), "chat-client: {}", visible::one_line(text));
}
