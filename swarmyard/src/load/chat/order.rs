//! What a member gets, compared with what it should get: each message once, in the room's order.

use std::collections::BTreeSet;

use super::super::tally::Fault;

/// Messages that were passed over and may still come; further ones count as missing whatever comes.
const PASSED_OVER_MAX: usize = 10_000;

/// The numbers of the messages that a member has got. A room counts them from 1, without gaps.
#[derive(Debug)]
pub(crate) struct Order {
    next: u32,
    passed_over: BTreeSet<u32>,
    received: u64,
    /// The same for two members who got the same messages in the same order.
    digest: u64,
}

impl Order {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { next: 1, passed_over: BTreeSet::new(), received: 0, digest: 0 }
    }

    /// Takes the message with this number in the room, which is `message` of those that were sent; gives what is wrong
    /// about it.
    pub(crate) fn take(&mut self, number: u32, message: u64) -> Option<Fault> {
        let is_old = number < self.next;
        if is_old && !self.passed_over.remove(&number) {
            return Some(Fault::Repeated);
        }
        self.received += 1;
        self.digest = self.digest.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(message + 1);
        if is_old {
            return Some(Fault::OutOfOrder);
        }
        let room = PASSED_OVER_MAX.saturating_sub(self.passed_over.len());
        self.passed_over.extend((self.next..number).take(room));
        self.next = number.saturating_add(1);
        None
    }

    /// How many different messages came.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// What tells the order, if all that came was in order and nothing is missing.
    pub(crate) fn digest(&self) -> Option<u64> {
        (self.received + 1 == u64::from(self.next)).then_some(self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(numbers: &[(u32, u64)]) -> (Order, Vec<Option<Fault>>) {
        let mut order = Order::new();
        let faults = numbers.iter().map(|(number, message)| order.take(*number, *message)).collect();
        (order, faults)
    }

    #[test]
    fn what_comes_once_and_in_order_is_right() {
        let (order, faults) = order(&[(1, 7), (2, 5), (3, 6)]);
        assert_eq!((faults, order.received()), (vec![None; 3], 3));
        assert!(order.digest().is_some());
    }

    #[test]
    fn a_message_that_comes_late_or_twice_is_told_and_one_that_is_missing_is_not_received() {
        let (order, faults) = order(&[(1, 1), (4, 4), (2, 2), (2, 2), (4, 4), (5, 5)]);
        let expected = [None, None, Some(Fault::OutOfOrder), Some(Fault::Repeated), Some(Fault::Repeated), None];
        assert_eq!((faults, order.received()), (expected.to_vec(), 4));
        assert_eq!(order.digest(), None);
    }

    #[test]
    fn two_orders_of_the_same_messages_differ() {
        let digest = |numbers: &[(u32, u64)]| order(numbers).0.digest().unwrap();
        assert_eq!(digest(&[(1, 0), (2, 1)]), digest(&[(1, 0), (2, 1)]));
        assert_ne!(digest(&[(1, 0), (2, 1)]), digest(&[(1, 1), (2, 0)]));
        assert_ne!(digest(&[(1, 0)]), digest(&[]));
    }

    #[test]
    fn a_node_that_leaps_ahead_fills_no_memory() {
        let (order, faults) = order(&[(u32::MAX, 1), (1, 2), (u32::MAX - 1, 3)]);
        assert_eq!(faults, [None, Some(Fault::OutOfOrder), Some(Fault::Repeated)]);
        assert_eq!(order.passed_over.len(), PASSED_OVER_MAX - 1);
    }
}
