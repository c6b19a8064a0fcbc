//! Messages in order and once, as they are printed one after the other.
//!
//! Nodes number a room's messages without gaps, but an original node may deliver out of order or lose
//! one (protocol, section 12, rows 5 and 8), and after a lost connection the history comes again.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;

use chat_protocol::ChatMessage;
use tokio::time::Instant;

/// Longest wait for a message that is missing; then the later ones are given without it.
const GAP_PATIENCE: Duration = Duration::from_secs(2);

/// Messages that wait for a missing one; with more, it is given up.
const WAITING_MAX: usize = 1000;

/// Ids of given messages that are remembered: many times the history that can come again.
const GIVEN_MAX: usize = 4096;

/// Brings messages into order. The first one, whatever its number, is where it begins: a history
/// starts at n-99 (row 28).
#[derive(Debug, Default)]
pub(crate) struct Order {
    last: Option<u32>,
    /// By number and id: two messages of one number are both given.
    waiting: BTreeMap<(u32, String), (Instant, ChatMessage)>,
    given: HashSet<String>,
    oldest_first: VecDeque<String>,
}

impl Order {
    /// Takes a message that came at `now`; [`Self::next`] has it, unless it came before.
    pub(crate) fn take(&mut self, message: ChatMessage, now: Instant) {
        if !self.given.contains(&message.message_id) {
            let key = (message.sequence_number, message.message_id.clone());
            self.waiting.entry(key).or_insert((now, message));
        }
    }

    /// The next message that is due at `now`.
    pub(crate) fn next(&mut self, now: Instant) -> Option<ChatMessage> {
        let number = self.waiting.first_key_value()?.0.0;
        let follows = self.last.is_none_or(|last| number <= last.saturating_add(1));
        if !follows && self.waiting.len() <= WAITING_MAX && self.deadline().is_some_and(|deadline| now < deadline) {
            return None;
        }
        let (_, (_, message)) = self.waiting.pop_first()?;
        self.last = self.last.max(Some(number));
        if self.oldest_first.len() == GIVEN_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.given.remove(&oldest);
        }
        self.given.insert(message.message_id.clone());
        self.oldest_first.push_back(message.message_id.clone());
        Some(message)
    }

    /// When to look again although nothing came.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.values().map(|(came, _)| *came + GAP_PATIENCE).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u32) -> ChatMessage {
        ChatMessage {
            message_id: format!("id {number}"),
            room_id: "r".to_owned(),
            username: "alice".to_owned(),
            content: "hello".to_owned(),
            sequence_number: number,
            timestamp: "2026-11-21T14:20:07.000000+00:00".to_owned(),
        }
    }

    fn given(order: &mut Order, now: Instant) -> Vec<u32> {
        std::iter::from_fn(|| order.next(now)).map(|message| message.sequence_number).collect()
    }

    #[test]
    fn a_history_may_start_anywhere_and_come_again() {
        let (mut order, now) = (Order::default(), Instant::now());
        for number in [251, 252, 253, 252, 253, 254] {
            order.take(message(number), now);
        }
        assert_eq!(given(&mut order, now), [251, 252, 253, 254]);
        for number in 251..=256 {
            order.take(message(number), now);
        }
        assert_eq!(given(&mut order, now), [255, 256]);
    }

    #[test]
    fn what_comes_out_of_order_waits_for_what_is_missing() {
        let (mut order, now) = (Order::default(), Instant::now());
        order.take(message(1), now);
        assert_eq!(given(&mut order, now), [1]);
        order.take(message(3), now);
        assert!(given(&mut order, now).is_empty());
        order.take(message(2), now);
        assert_eq!(given(&mut order, now), [2, 3]);
    }

    #[test]
    fn a_gap_that_never_fills_delays_what_follows_and_no_more() {
        let (mut order, now) = (Order::default(), Instant::now());
        order.take(message(1), now);
        assert_eq!(given(&mut order, now), [1]);
        order.take(message(3), now);
        order.take(message(4), now + GAP_PATIENCE / 2);
        assert_eq!(order.deadline(), Some(now + GAP_PATIENCE));
        assert_eq!(given(&mut order, now + GAP_PATIENCE), [3, 4]);
        order.take(message(2), now + GAP_PATIENCE);
        assert_eq!(given(&mut order, now + GAP_PATIENCE), [2], "late is better than never");
    }
}
