//! Who is in a room, and by what: connections of this node, or registrations by other nodes.

use std::collections::HashMap;

use tokio::time::{Duration, Instant};

use crate::node_id::NodeId;
use crate::outbox::ConnectionId;

/// The members of a room: names, each held by one or more connections or nodes. A name stays as long
/// as one of them holds it (protocol, section 12, row 21).
#[derive(Debug, Default)]
pub(crate) struct Members {
    by_name: HashMap<String, Member>,
    /// Names that were removed while somebody held them: they are no members, but who holds them still
    /// hears the room (protocol, section 4, on inactivity).
    removed: HashMap<String, Member>,
    /// The other nodes that hold names, and how many.
    nodes: HashMap<NodeId, u32>,
}

#[derive(Debug)]
struct Member {
    connections: Vec<ConnectionId>,
    /// How often each node has registered the name: once for each connection there.
    registrations: HashMap<NodeId, u32>,
    last_activity: Instant,
}

/// By what a name is in the room.
#[derive(Clone, Debug)]
pub(crate) enum Holder {
    Connection(ConnectionId),
    Node(NodeId),
}

/// What became of a name when a holder let it go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Removal {
    /// This holder did not hold it.
    NotHeld,
    /// Another one still does.
    StillHeld,
    /// The name is no member any more.
    Gone,
}

impl Members {
    pub(crate) fn len(&self) -> u32 {
        // More than `MEMBERS_MAX` are refused.
        u32::try_from(self.by_name.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.by_name.keys().cloned().collect()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Whether this node has registered the name.
    pub(crate) fn is_registered(&self, name: &str, node: &str) -> bool {
        self.by_name.get(name).is_some_and(|member| member.registrations.contains_key(node))
    }

    pub(crate) fn registrations(&self, name: &str, node: &str) -> u32 {
        self.by_name.get(name).and_then(|member| member.registrations.get(node)).copied().unwrap_or(0)
    }

    /// The nodes that have members here: those that are told what happens.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &NodeId> {
        self.nodes.keys()
    }

    /// The holder holds the name from now on. True for a name that nobody held. A connection holds a
    /// name once, a node as often as it registers it.
    pub(crate) fn add(&mut self, name: &str, holder: &Holder, count: u32) -> bool {
        let now = Instant::now();
        let is_new = !self.by_name.contains_key(name);
        let removed = self.removed.remove(name);
        let member = self.by_name.entry(name.to_owned()).or_insert_with(|| {
            removed.unwrap_or_else(|| Member {
                connections: Vec::new(),
                registrations: HashMap::new(),
                last_activity: now,
            })
        });
        member.last_activity = now;
        match holder {
            Holder::Connection(connection) if !member.connections.contains(connection) => {
                member.connections.push(*connection);
            }
            Holder::Connection(_) => {}
            Holder::Node(node) => {
                let registrations = member.registrations.entry(node.clone()).or_insert(0);
                if *registrations == 0 {
                    *self.nodes.entry(node.clone()).or_insert(0) += 1;
                }
                *registrations = registrations.saturating_add(count);
            }
        }
        is_new
    }

    /// Records that the member did something.
    pub(crate) fn touch(&mut self, name: &str) {
        if let Some(member) = self.by_name.get_mut(name) {
            member.last_activity = Instant::now();
        }
    }

    /// The holder lets the name go; a node, one of its registrations, or all of them.
    pub(crate) fn remove(&mut self, name: &str, holder: &Holder, all: bool) -> Removal {
        let Self { by_name, removed, nodes } = self;
        let is_member = by_name.contains_key(name);
        let held = if is_member { by_name } else { removed };
        let Some(member) = held.get_mut(name) else { return Removal::NotHeld };
        if !member.let_go(holder, all, nodes) {
            return Removal::NotHeld;
        }
        if !member.connections.is_empty() || !member.registrations.is_empty() {
            return Removal::StillHeld;
        }
        held.remove(name);
        if is_member { Removal::Gone } else { Removal::NotHeld }
    }

    /// Makes a name no member, though somebody holds it; gives the nodes that do.
    pub(crate) fn expel(&mut self, name: &str) -> Vec<NodeId> {
        let Some(member) = self.by_name.remove(name) else { return Vec::new() };
        let nodes = member.registrations.keys().cloned().collect();
        self.removed.insert(name.to_owned(), member);
        nodes
    }

    /// A node holds nothing any more; gives the names that it held, and what became of each.
    pub(crate) fn remove_node(&mut self, node: &NodeId) -> Vec<(String, Removal)> {
        let held =
            self.by_name.iter().chain(&self.removed).filter(|(_, member)| member.registrations.contains_key(node));
        let names: Vec<_> = held.map(|(name, _)| name.clone()).collect();
        let holder = Holder::Node(node.clone());
        let remove = |name: String| {
            let removal = self.remove(&name, &holder, true);
            (name, removal)
        };
        names.into_iter().map(remove).collect()
    }

    /// The names that did nothing for this long.
    pub(crate) fn inactive(&self, limit: Duration) -> Vec<String> {
        let inactive = self.by_name.iter().filter(|(_, member)| member.last_activity.elapsed() >= limit);
        inactive.map(|(name, _)| name.clone()).collect()
    }
}

impl Member {
    /// False when the holder does not hold the name.
    fn let_go(&mut self, holder: &Holder, all: bool, nodes: &mut HashMap<NodeId, u32>) -> bool {
        match holder {
            Holder::Connection(connection) => {
                let index = self.connections.iter().position(|known| known == connection);
                index.map(|index| self.connections.swap_remove(index)).is_some()
            }
            Holder::Node(node) => {
                let Some(registrations) = self.registrations.get_mut(node) else { return false };
                *registrations = if all { 0 } else { *registrations - 1 };
                if *registrations == 0 {
                    self.registrations.remove(node);
                    forget(nodes, node);
                }
                true
            }
        }
    }
}

/// One name fewer is held by `node`.
fn forget(nodes: &mut HashMap<NodeId, u32>, node: &str) {
    if let Some(names) = nodes.get_mut(node) {
        *names -= 1;
        if *names == 0 {
            nodes.remove(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Outbox;

    #[test]
    fn a_name_stays_while_one_of_its_connections_does() {
        let (first, second) = (Holder::Connection(Outbox::new().id()), Holder::Connection(Outbox::new().id()));
        let mut members = Members::default();
        assert!(members.add("bob", &first, 1));
        assert!(!members.add("bob", &second, 1));
        assert!(!members.add("bob", &second, 1));
        assert_eq!(members.remove("bob", &first, true), Removal::StillHeld);
        assert_eq!(members.remove("bob", &first, true), Removal::NotHeld);
        assert_eq!(members.remove("bob", &second, true), Removal::Gone);
        assert_eq!(members.len(), 0);
    }

    #[test]
    fn a_node_holds_a_name_as_often_as_it_registers_it() {
        let node = Holder::Node("node2".into());
        let mut members = Members::default();
        assert!(members.add("bob", &node, 1));
        assert!(!members.add("bob", &node, 1));
        assert!(members.is_registered("bob", "node2"));
        assert_eq!(members.remove("bob", &node, false), Removal::StillHeld);
        assert_eq!(members.nodes().count(), 1);
        assert_eq!(members.remove("bob", &node, false), Removal::Gone);
        assert_eq!(members.nodes().count(), 0);
        assert_eq!(members.remove("bob", &node, false), Removal::NotHeld);
    }

    #[test]
    fn a_node_is_told_what_happens_while_it_holds_any_name() {
        let node = Holder::Node("node2".into());
        let mut members = Members::default();
        members.add("bob", &node, 3);
        members.add("eve", &node, 1);
        members.remove("bob", &node, true);
        assert_eq!(members.nodes().count(), 1);
        assert_eq!(members.remove_node(&"node2".into()), [("eve".to_owned(), Removal::Gone)]);
        assert_eq!(members.nodes().count(), 0);
    }

    #[test]
    fn who_is_removed_for_inactivity_still_hears_the_room() {
        let node = Holder::Node("node2".into());
        let mut members = Members::default();
        members.add("bob", &node, 1);
        assert_eq!(members.expel("bob"), ["node2".into()]);
        assert!(!members.contains("bob"));
        assert_eq!(members.nodes().count(), 1);
        // Joining again makes it a member again; letting go without that is no event.
        assert!(members.add("bob", &node, 1));
        members.expel("bob");
        assert_eq!(members.remove("bob", &node, true), Removal::NotHeld);
        assert_eq!(members.nodes().count(), 0);
    }
}
