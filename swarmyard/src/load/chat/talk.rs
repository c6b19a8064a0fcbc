//! A room full of members who speak in turn, and count what they hear.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chat_protocol::{ChatMessage, Request, RoomUser, SendMessage, ServerMessage};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::line::Line;
use super::options::Options;
use super::order::Order;
use crate::load::pace::Pacer;
use crate::load::tally::{Fault, Tally};

/// Lines of a member that may wait for their confirmation; further ones are not sent, and count so.
const UNCONFIRMED_MAX: usize = 10_000;

/// What all members share.
#[derive(Debug)]
pub(crate) struct Talk {
    start: Instant,
    pub(crate) pacer: Arc<Pacer>,
    /// Letters of a line.
    size: usize,
    /// For what is still on its way when the last line was due.
    timeout: Duration,
    members: u16,
    /// How many lines were said.
    lines: AtomicU64,
    /// The highest number that the room has given to a line.
    last: AtomicU32,
    /// Members of whose lines the room may not know yet.
    unsettled: AtomicUsize,
    /// Cancelled when there are none: from then on, the room gives no more numbers.
    settled: CancellationToken,
    /// What came to the members.
    heard: Mutex<Vec<Order>>,
}

/// Somebody who has joined the room.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) connection: Connection,
    pub(crate) user: RoomUser,
    pub(crate) node: String,
}

/// A member's state.
struct Work {
    talk: Arc<Talk>,
    tally: Arc<Mutex<Tally>>,
    user: RoomUser,
    node: String,
    order: Order,
    /// When each line was sent that is not confirmed, in their order.
    unconfirmed: VecDeque<Instant>,
    /// When to wait no longer; nothing before the last line was due.
    deadline: Option<Instant>,
    is_settled: bool,
    all_are_settled: bool,
}

impl Talk {
    /// Begins a talk as `options` want it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn begin(options: &Options) -> anyhow::Result<Self> {
        let start = Instant::now();
        Ok(Self {
            start,
            pacer: Pacer::start(options.rate, start, start + options.duration)?,
            size: options.size,
            timeout: options.timeout,
            members: options.clients,
            lines: AtomicU64::new(0),
            last: AtomicU32::new(0),
            unsettled: AtomicUsize::new(options.clients.into()),
            settled: CancellationToken::new(),
            heard: Mutex::new(Vec::new()),
        })
    }

    /// When it began.
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// What only shows at the end: lines that did not come to all of the members, members who heard the same lines in
    /// another order than the first one, and lines that nobody could say in time.
    pub(crate) fn faults(&self) -> [(Fault, u64); 3] {
        let (last, heard) = (u64::from(self.last.load(Relaxed)), self.heard());
        let expected = last * u64::from(self.members);
        let missing = expected.saturating_sub(heard.iter().map(Order::received).sum());
        let mut digests = heard.iter().filter(|order| order.received() == last).filter_map(Order::digest);
        let first = digests.next();
        let others = digests.filter(|digest| Some(*digest) != first).count();
        [(Fault::Missing, missing), (Fault::OtherOrder, others as u64), (Fault::NotSent, self.pacer.not_sent())]
    }

    fn heard(&self) -> MutexGuard<'_, Vec<Order>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    /// Speaks when it is this member's turn, and listens, until all has come, or no more comes in time.
    pub(crate) async fn talk(self, talk: Arc<Talk>, tally: Arc<Mutex<Tally>>) {
        let Self { mut connection, user, node } = self;
        let (order, unconfirmed) = (Order::new(), VecDeque::new());
        let (deadline, is_settled, all_are_settled) = (None, false, false);
        let mut work = Work { talk, tally, user, node, order, unconfirmed, deadline, is_settled, all_are_settled };
        let went_well = work.go_on(&mut connection).await.is_ok();
        work.settle();
        work.note(Fault::Lost, u64::from(!went_well));
        work.note(Fault::Unconfirmed, work.unconfirmed.len() as u64);
        work.talk.heard().push(work.order);
        connection.close().await;
    }
}

impl Work {
    async fn go_on(&mut self, connection: &mut Connection) -> anyhow::Result<()> {
        let talk = self.talk.clone();
        loop {
            if self.deadline.is_some() && self.unconfirmed.is_empty() {
                self.settle();
            }
            if self.all_are_settled && self.order.received() >= u64::from(talk.last.load(Relaxed)) {
                return Ok(());
            }
            tokio::select! {
                due = talk.pacer.next(), if self.deadline.is_none() => match due {
                    Some(due) => self.say(connection, due).await?,
                    None => self.deadline = Some(Instant::now() + talk.timeout),
                },
                message = connection.next() => self.hear(message?),
                () = talk.settled.cancelled(), if !self.all_are_settled => self.all_are_settled = true,
                () = until(self.deadline) => return Ok(()),
            }
        }
    }

    async fn say(&mut self, connection: &mut Connection, due: Instant) -> anyhow::Result<()> {
        if self.unconfirmed.len() >= UNCONFIRMED_MAX {
            self.note(Fault::NotSent, 1);
            return Ok(());
        }
        let number = self.talk.lines.fetch_add(1, Relaxed);
        let text = Line { number, due }.text(self.talk.start, self.talk.size);
        let RoomUser { room_id, username } = self.user.clone();
        self.unconfirmed.push_back(Instant::now());
        connection.send(&Request::SendMessage(SendMessage { room_id, username, content: Some(text) })).await
    }

    fn hear(&mut self, message: ServerMessage) {
        let now = Instant::now();
        match message {
            ServerMessage::NewMessage(message) if message.room_id == self.user.room_id => self.hear_line(&message, now),
            // Confirmations come in the order of the lines.
            ServerMessage::MessageSent(sent) => {
                self.talk.last.fetch_max(sent.sequence_number, Relaxed);
                if let Some(sent) = self.unconfirmed.pop_front() {
                    self.count(|tally| tally.measured.record(now.saturating_duration_since(sent)));
                }
            }
            ServerMessage::MessageError(_) | ServerMessage::Error(_) => {
                self.unconfirmed.pop_front();
                self.note(Fault::Refused, 1);
            }
            _ => {}
        }
    }

    fn hear_line(&mut self, message: &ChatMessage, now: Instant) {
        self.talk.last.fetch_max(message.sequence_number, Relaxed);
        let line = Line::of_text(&message.content, self.talk.start);
        // What somebody else says in the room has a number too.
        let number = line.map_or(u64::MAX, |line| line.number);
        let fault = self.order.take(message.sequence_number, number);
        if let Some(fault) = fault {
            self.note(fault, 1);
        }
        if let Some(line) = line
            && fault != Some(Fault::Repeated)
        {
            let node = self.node.clone();
            self.count(|tally| tally.note_delivery(line.due, now, message.content.len() as u64, &node));
        }
    }

    /// Says that the room knows all lines of this member, or that it will never know them.
    fn settle(&mut self) {
        if !self.is_settled {
            self.is_settled = true;
            if self.talk.unsettled.fetch_sub(1, Relaxed) == 1 {
                self.talk.settled.cancel();
            }
        }
    }

    fn note(&self, fault: Fault, count: u64) {
        self.count(|tally| tally.note_fault(fault, count));
    }

    fn count(&self, note: impl FnOnce(&mut Tally)) {
        note(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Waits for this moment, for ever without one.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment.into()).await,
        None => pending().await,
    }
}
