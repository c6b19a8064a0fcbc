//! Messages on their way: sent, and not confirmed yet.

use std::collections::VecDeque;

use chat_protocol::ChatMessage;

/// Messages that can be on their way at once; then the next one has to wait.
pub(crate) const UNCONFIRMED_MAX: usize = 32;

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) content: String,
    /// It was refused once because the node had removed the user, and sent again.
    pub(crate) is_second_try: bool,
    /// It came back as everybody got it; only the confirmation is missing.
    has_come: bool,
}

/// The messages on their way. Nodes answer in the order of the requests.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    unconfirmed: VecDeque<Outgoing>,
    /// Of a connection that was lost: whether they arrived, the history will tell.
    doubtful: Vec<String>,
    /// The highest number that was there at the loss.
    last_before: u32,
}

/// What became of the messages of a lost connection.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Verdict {
    /// They did not arrive: send them again.
    pub(crate) lost: Vec<String>,
    /// Too much happened meanwhile to tell.
    pub(crate) unknown: Vec<String>,
}

impl Outbox {
    pub(crate) fn len(&self) -> usize {
        self.unconfirmed.len() + self.doubtful.len()
    }

    pub(crate) fn push(&mut self, content: String, is_second_try: bool) {
        self.unconfirmed.push_back(Outgoing { content, is_second_try, has_come: false });
    }

    /// The oldest message was answered.
    pub(crate) fn pop(&mut self) -> Option<Outgoing> {
        self.unconfirmed.pop_front()
    }

    /// A message of this user has come from the room.
    pub(crate) fn note_echo(&mut self, content: &str) {
        if let Some(outgoing) = self.unconfirmed.iter_mut().find(|it| !it.has_come && it.content == content) {
            outgoing.has_come = true;
        }
    }

    /// The connection was lost, when `last_number` was the highest that had come.
    pub(crate) fn lose(&mut self, last_number: u32) {
        if self.doubtful.is_empty() {
            self.last_before = last_number;
        }
        self.doubtful.extend(self.unconfirmed.drain(..).filter(|it| !it.has_come).map(|it| it.content));
    }

    /// Judges by the room's `messages` of this user and others, history included, that have come by
    /// now.
    pub(crate) fn judge<'a>(&mut self, username: &str, messages: impl Iterator<Item = &'a ChatMessage>) -> Verdict {
        let mut verdict = Verdict::default();
        if self.doubtful.is_empty() {
            return verdict;
        }
        let mut next = self.last_before.saturating_add(1);
        let mut is_gap = false;
        let mut arrived = Vec::new();
        for message in messages.filter(|message| message.sequence_number > self.last_before) {
            is_gap |= message.sequence_number > next;
            next = message.sequence_number.saturating_add(1);
            if message.username == username {
                arrived.push(&*message.content);
            }
        }
        for content in self.doubtful.drain(..) {
            match arrived.iter().position(|it| *it == content) {
                Some(index) => drop(arrived.remove(index)),
                None if is_gap => verdict.unknown.push(content),
                None => verdict.lost.push(content),
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::message;

    fn outbox(contents: &[&str]) -> Outbox {
        let mut outbox = Outbox::default();
        for content in contents {
            outbox.push((*content).to_owned(), false);
        }
        outbox
    }

    #[test]
    fn what_the_history_does_not_have_was_lost() {
        let mut outbox = outbox(&["seen", "arrived", "twice", "twice", "lost"]);
        outbox.note_echo("seen");
        outbox.lose(7);
        let messages = [
            message(7, "me", "lost"),
            message(8, "me", "arrived"),
            message(9, "bob", "lost"),
            message(10, "me", "twice"),
        ];
        let verdict = outbox.judge("me", messages.iter());
        assert_eq!(verdict.lost, ["twice", "lost"]);
        assert!(verdict.unknown.is_empty());
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn nothing_is_sent_twice_when_the_history_has_a_gap() {
        let mut outbox = outbox(&["old"]);
        outbox.lose(7);
        let messages: Vec<_> = (50..150).map(|number| message(number, "bob", "hi")).collect();
        assert_eq!(outbox.judge("me", messages.iter()), Verdict { lost: Vec::new(), unknown: vec!["old".to_owned()] });
    }
}
