//! What a chat shows: messages in the order of their numbers, each once, and lines about the room
//! between them, where they came.

use std::collections::{HashSet, VecDeque};

use chat_protocol::ChatMessage;

/// Entries that are kept; then the oldest go. Far more than the history of a room.
pub(crate) const ENTRIES_MAX: usize = 5000;

/// Something to show.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Message(ChatMessage),
    /// About the room, not said by anybody.
    Event(String),
}

/// An entry and, kept for the next time, how it was wrapped.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) content: Content,
    /// For a width: its lines. Whoever draws keeps it up to date.
    pub(crate) wrapped: Option<(u16, Vec<String>)>,
}

/// The entries of a chat.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: VecDeque<Entry>,
    /// Of the messages among the entries.
    ids: HashSet<String>,
    /// The highest number of the messages that were forgotten: older ones do not come back.
    forgotten: u32,
    last: u32,
}

impl History {
    /// Adds a message where its number belongs, whatever is missing before it; false when it was
    /// there.
    pub(crate) fn add(&mut self, message: ChatMessage) -> bool {
        let number = message.sequence_number;
        if number <= self.forgotten || !self.ids.insert(message.message_id.clone()) {
            return false;
        }
        // Mostly the last one; else behind the last message with a lower number.
        let mut index = self.entries.len();
        if number < self.last {
            let earlier = self.entries.iter().rposition(|entry| entry.number().is_some_and(|it| it <= number));
            let first = || self.entries.iter().position(|entry| entry.number().is_some());
            index = earlier.map(|earlier| earlier + 1).or_else(first).unwrap_or(index);
        }
        self.last = self.last.max(number);
        self.entries.insert(index, Entry { content: Content::Message(message), wrapped: None });
        self.forget();
        true
    }

    /// Adds a line about the room.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.entries.push_back(Entry { content: Content::Event(text.into()), wrapped: None });
        self.forget();
    }

    /// The highest number of all messages so far; 0 before the first.
    pub(crate) fn last_number(&self) -> u32 {
        self.last
    }

    /// The messages, oldest first.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &ChatMessage> {
        self.entries.iter().filter_map(|entry| match &entry.content {
            Content::Message(message) => Some(message),
            Content::Event(_) => None,
        })
    }

    pub(crate) fn entries(&mut self) -> &mut VecDeque<Entry> {
        &mut self.entries
    }

    fn forget(&mut self) {
        while self.entries.len() > ENTRIES_MAX
            && let Some(entry) = self.entries.pop_front()
        {
            if let Content::Message(message) = entry.content {
                self.ids.remove(&message.message_id);
                self.forgotten = self.forgotten.max(message.sequence_number);
            }
        }
    }
}

impl Entry {
    fn number(&self) -> Option<u32> {
        match &self.content {
            Content::Message(message) => Some(message.sequence_number),
            Content::Event(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::message;

    fn shown(history: &mut History) -> Vec<String> {
        let entries = history.entries().iter().map(|entry| match &entry.content {
            Content::Message(message) => message.sequence_number.to_string(),
            Content::Event(text) => text.clone(),
        });
        entries.collect()
    }

    #[test]
    fn messages_are_in_the_order_of_their_numbers_and_events_where_they_came() {
        let mut history = History::default();
        history.note("joined");
        for number in [5, 7] {
            assert!(history.add(message(number, "bob", "hi")));
        }
        history.note("bob left");
        for number in [6, 4, 8] {
            assert!(history.add(message(number, "bob", "hi")));
        }
        assert_eq!(shown(&mut history), ["joined", "4", "5", "6", "7", "bob left", "8"]);
    }

    #[test]
    fn a_history_that_comes_again_adds_only_what_was_missed() {
        let mut history = History::default();
        for number in 251..=300 {
            assert!(history.add(message(number, "bob", "hi")));
        }
        history.note("lost");
        let added: Vec<_> = (281..=303).filter(|&number| history.add(message(number, "bob", "hi"))).collect();
        assert_eq!(added, [301, 302, 303]);
        assert_eq!(shown(&mut history)[49..], ["300", "lost", "301", "302", "303"]);
    }

    #[test]
    fn the_oldest_are_forgotten_and_stay_so() {
        let mut history = History::default();
        let many = u32::try_from(ENTRIES_MAX).unwrap() + 10;
        for number in 1..=many {
            history.add(message(number, "bob", "hi"));
        }
        assert_eq!(history.messages().count(), ENTRIES_MAX);
        assert!(!history.add(message(10, "bob", "hi")));
        assert_eq!(history.messages().next().map(|message| message.sequence_number), Some(11));
    }
}
