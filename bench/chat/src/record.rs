//! Everything that clients were told, to be compared afterwards.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::mem;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fleet::Watch;
use crate::layout::{Delivery, number};

/// A message: its sender and the sender's counter.
type Message = (usize, u32);

/// Everything that clients were told.
#[derive(Debug)]
pub(crate) struct Record {
    /// Messages that came with a number that another message has.
    pub(crate) shared_numbers: u64,
    /// Messages that came, or were confirmed, with two numbers.
    pub(crate) renumbered: u64,
    /// Clients that joined again because the node did not know them any more.
    pub(crate) rejoined: u64,
    /// Answers that were errors, by their code.
    pub(crate) errors: BTreeMap<String, u64>,
    confirmed: HashSet<Message>,
    by_number: HashMap<u32, Message>,
    by_message: HashMap<Message, u32>,
    clients: HashMap<usize, ClientRecord>,
    expelled: Vec<usize>,
    longest_wait: HashMap<usize, Duration>,
}

#[derive(Debug, Default)]
struct ClientRecord {
    /// What it has sent and has no answer to; answers come in the order of requests.
    unanswered: VecDeque<(u32, Instant)>,
    /// The numbers that came to it.
    numbers: HashSet<u32>,
    messages: HashSet<Message>,
    /// It waits for the answer to another join.
    joins_again: bool,
}

impl Record {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            shared_numbers: 0,
            renumbered: 0,
            rejoined: 0,
            errors: BTreeMap::new(),
            confirmed: HashSet::new(),
            by_number: HashMap::new(),
            by_message: HashMap::new(),
            clients: HashMap::new(),
            expelled: Vec::new(),
            longest_wait: HashMap::new(),
        }
    }

    /// A client has sent a message.
    pub(crate) fn sent(&mut self, client: usize, counter: u32) {
        self.clients.entry(client).or_default().unanswered.push_back((counter, Instant::now()));
    }

    /// How many of a client's messages have no answer.
    pub(crate) fn unanswered(&self, client: usize) -> usize {
        self.clients.get(&client).map_or(0, |client| client.unanswered.len())
    }

    /// Clients that were told that they are no members, and have to join again.
    pub(crate) fn take_expelled(&mut self) -> Vec<usize> {
        mem::take(&mut self.expelled)
    }

    /// How many messages were confirmed to their senders.
    pub(crate) fn confirmed(&self) -> usize {
        self.confirmed.len()
    }

    /// Confirmed messages that came to none of the clients who are witnesses.
    pub(crate) fn missing(&self, is_witness: impl Fn(usize) -> bool) -> usize {
        let witnesses = self.clients.iter().filter(|(index, _)| is_witness(**index));
        let known: HashSet<_> = witnesses.flat_map(|(_, client)| &client.messages).collect();
        self.confirmed.iter().filter(|message| !known.contains(message)).count()
    }

    /// Numbers that did not come to a client, between its first and its last.
    pub(crate) fn gaps(&self, client: usize) -> usize {
        let Some(ClientRecord { numbers, .. }) = self.clients.get(&client) else { return 0 };
        let (first, last) = (numbers.iter().min(), numbers.iter().max());
        first.zip(last).map_or(0, |(first, last)| (last - first + 1) as usize - numbers.len())
    }

    /// The longest time that one of these clients waited for an answer, or still waits.
    pub(crate) fn longest_wait(&self, is_asked: impl Fn(usize) -> bool) -> Duration {
        let waiting = self
            .clients
            .iter()
            .filter_map(|(index, client)| client.unanswered.front().map(|(_, since)| (*index, since.elapsed())));
        let waits = self.longest_wait.iter().map(|(index, wait)| (*index, *wait)).chain(waiting);
        waits.filter(|(index, _)| is_asked(*index)).map(|(_, wait)| wait).max().unwrap_or_default()
    }

    fn take_number(&mut self, message: Message, number: u32) {
        self.shared_numbers += u64::from(*self.by_number.entry(number).or_insert(message) != message);
        self.renumbered += u64::from(*self.by_message.entry(message).or_insert(number) != number);
    }

    /// Takes the client's oldest message that has no answer; this is the answer.
    fn note_answer(&mut self, client: usize) -> Option<Message> {
        let (counter, since) = self.clients.entry(client).or_default().unanswered.pop_front()?;
        let longest = self.longest_wait.entry(client).or_default();
        *longest = since.elapsed().max(*longest);
        Some((client, counter))
    }
}

impl Watch for Record {
    fn delivered(&mut self, client: usize, delivery: &Delivery) {
        let message = (delivery.token.sender as usize, delivery.token.counter);
        self.take_number(message, delivery.number);
        let client = self.clients.entry(client).or_default();
        client.numbers.insert(delivery.number);
        client.messages.insert(message);
    }

    fn answered(&mut self, client: usize, kind: &str, text: &str) {
        match kind {
            "message_sent" => {
                if let Some(message) = self.note_answer(client) {
                    self.take_number(message, number(text));
                    self.confirmed.insert(message);
                }
            }
            "message_error" | "join_room_error" => {
                let answer: Value = serde_json::from_str(text).unwrap_or_default();
                let code = answer["data"]["error_code"].as_str().unwrap_or("none");
                *self.errors.entry(format!("{kind} {code}")).or_default() += 1;
                if kind == "message_error" {
                    self.note_answer(client);
                }
                let record = self.clients.entry(client).or_default();
                if kind == "join_room_error" || code == "NOT_MEMBER" && !record.joins_again {
                    record.joins_again = true;
                    self.expelled.push(client);
                }
            }
            "join_room_success" => {
                let record = self.clients.entry(client).or_default();
                self.rejoined += u64::from(mem::take(&mut record.joins_again));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Token;

    fn deliver(record: &mut Record, client: usize, counter: u32, number: u32) {
        let token = Token { sender: 0, counter, sent_us: 0 };
        record.delivered(client, &Delivery { token, number });
    }

    fn confirm(record: &mut Record, counter: u32, number: u32) {
        record.sent(0, counter);
        record.answered(0, "message_sent", &format!(r#"{{"sequence_number":{number}}}"#));
    }

    #[test]
    fn a_confirmed_message_is_missing_until_a_witness_has_it() {
        let mut record = Record::new();
        confirm(&mut record, 1, 5);
        deliver(&mut record, 0, 1, 5);
        assert_eq!((record.confirmed(), record.missing(|client| client == 1)), (1, 1));
        deliver(&mut record, 1, 1, 5);
        assert_eq!(record.missing(|client| client == 1), 0);
    }

    #[test]
    fn a_number_for_two_messages_and_two_numbers_for_one_are_seen() {
        let mut record = Record::new();
        confirm(&mut record, 1, 5);
        deliver(&mut record, 1, 1, 5);
        assert_eq!((record.shared_numbers, record.renumbered), (0, 0));
        deliver(&mut record, 1, 2, 5);
        assert_eq!((record.shared_numbers, record.renumbered), (1, 0));
        deliver(&mut record, 1, 1, 6);
        assert_eq!((record.shared_numbers, record.renumbered), (1, 1));
    }

    #[test]
    fn gaps_are_counted_between_the_first_and_the_last_number() {
        let mut record = Record::new();
        for number in [4, 7, 5] {
            deliver(&mut record, 1, number, number);
        }
        assert_eq!((record.gaps(1), record.gaps(2)), (1, 0));
    }

    #[test]
    fn who_is_told_to_be_no_member_joins_again_once() {
        let mut record = Record::new();
        for counter in 1..3 {
            record.sent(3, counter);
            record.answered(3, "message_error", r#"{"data":{"error_code":"NOT_MEMBER"}}"#);
        }
        assert_eq!((record.take_expelled(), record.unanswered(3)), (vec![3], 0));
        record.answered(3, "join_room_success", "{}");
        assert_eq!((record.rejoined, record.errors["message_error NOT_MEMBER"]), (1, 2));
    }
}
