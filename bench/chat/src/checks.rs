//! Whether a client gets every message once and in order.

use std::collections::HashSet;
use std::ops::AddAssign;

use crate::layout::Delivery;

/// What went wrong with deliveries; all zero when nothing did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Messages that did not come to a client, counted for each client.
    pub(crate) lost: u64,
    /// Messages that came again.
    pub(crate) duplicated: u64,
    /// Messages that came after a later one of the same sender.
    pub(crate) reordered: u64,
    /// Messages whose number did not follow the one before.
    pub(crate) misnumbered: u64,
    /// Clients that saw another order than the first one did, at a server that numbers.
    pub(crate) order_differs: u64,
    /// Messages that the server refused; nobody expects them.
    pub(crate) refused: u64,
    /// Connections that the server ended.
    pub(crate) dropped: u64,
}

impl AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.misnumbered += other.misnumbered;
        self.order_differs += other.order_differs;
        self.refused += other.refused;
        self.dropped += other.dropped;
    }
}

impl Faults {
    /// Lost, duplicated and reordered ones, and all others together.
    pub(crate) fn to_text(self) -> String {
        let others = self.misnumbered + self.order_differs + self.refused + self.dropped;
        format!("{}, {}, {}, {others}", self.lost, self.duplicated, self.reordered)
    }
}

/// What a client has received.
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// Different messages.
    pub(crate) messages: u64,
    /// A digest of who sent what in which order.
    pub(crate) order: u64,
    pub(crate) faults: Faults,
    /// The highest counter of each sender.
    highest: Vec<u32>,
    /// Messages (sender, counter) that a later one of the same sender has overtaken.
    overtaken: HashSet<(u32, u32)>,
    last_number: u32,
}

impl Received {
    /// Checks a delivery against all that came before.
    pub(crate) fn check(&mut self, delivery: &Delivery) {
        let Delivery { token, number } = *delivery;
        self.order = (self.order ^ u64::from(token.sender) << 32 ^ u64::from(token.counter))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(23);
        // The first number may be any: who joins late does not begin with 1.
        if number != 0 {
            self.faults.misnumbered += u64::from(self.last_number != 0 && number != self.last_number + 1);
            self.last_number = number;
        }
        match self.highest.get_mut(token.sender as usize) {
            Some(highest) if token.counter == *highest + 1 => {
                *highest += 1;
                self.messages += 1;
            }
            _ => self.check_irregular(token.sender, token.counter),
        }
    }

    /// A sender's first message, or one out of turn.
    #[cold]
    fn check_irregular(&mut self, sender: u32, counter: u32) {
        let senders = self.highest.len().max(sender as usize + 1);
        self.highest.resize(senders, 0);
        let highest = &mut self.highest[sender as usize];
        if counter > *highest {
            self.overtaken.extend((*highest + 1..counter).map(|missing| (sender, missing)));
            *highest = counter;
        } else if self.overtaken.remove(&(sender, counter)) {
            self.faults.reordered += 1;
        } else {
            self.faults.duplicated += 1;
            return;
        }
        self.messages += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Token;

    fn received(messages: &[(u32, u32, u32)]) -> Received {
        let mut received = Received::default();
        for &(sender, counter, number) in messages {
            received.check(&Delivery { token: Token { sender, counter, sent_us: 0 }, number });
        }
        received
    }

    #[test]
    fn what_comes_once_and_in_order_is_no_fault() {
        let received = received(&[(3, 1, 1), (0, 1, 2), (3, 2, 3), (0, 2, 4)]);
        assert_eq!(received.messages, 4);
        let Faults { duplicated, reordered, misnumbered, .. } = received.faults;
        assert_eq!((duplicated, reordered, misnumbered), (0, 0, 0));
    }

    #[test]
    fn what_comes_again_too_late_or_not_at_all_is_told_apart() {
        let again = received(&[(0, 1, 0), (0, 2, 0), (0, 2, 0), (0, 1, 0)]);
        assert_eq!((again.messages, again.faults.duplicated, again.faults.reordered), (2, 2, 0));
        let late = received(&[(0, 2, 0), (0, 1, 0), (0, 3, 0)]);
        assert_eq!((late.messages, late.faults.duplicated, late.faults.reordered), (3, 0, 1));
        let missing = received(&[(0, 1, 0), (0, 3, 0)]);
        assert_eq!((missing.messages, missing.faults.duplicated, missing.faults.reordered), (2, 0, 0));
    }

    #[test]
    fn a_gap_in_the_numbers_and_another_order_are_seen() {
        assert_eq!(received(&[(0, 1, 5), (0, 2, 7)]).faults.misnumbered, 1);
        assert_ne!(received(&[(0, 1, 0), (1, 1, 0)]).order, received(&[(1, 1, 0), (0, 1, 0)]).order);
    }
}
