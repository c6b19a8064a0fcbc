//! The room's task: takes the commands one after the other.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use chat_protocol::ChatMessage;
use tokio::sync::mpsc;

use super::actor::Actor;
use super::audience::Audience;
use super::members::{Holder, Members};
use super::messages::{self, broadcast};
use super::state::State;
use super::{Command, Context, Flow, Listing};
use crate::figures;
use crate::node_id::NodeId;

/// Commands that are handled together: messages among them are written to the journal, and sent to
/// each client, at one go.
const BATCH_MAX: usize = 256;

/// What a room begins with.
pub(crate) struct Start {
    pub(crate) listing: Arc<Listing>,
    pub(crate) context: Context,
    pub(crate) last_number: u32,
    pub(crate) history: VecDeque<ChatMessage>,
    /// Names that other nodes registered before this process began.
    pub(crate) registered: Vec<(String, NodeId, u32)>,
}

impl Start {
    pub(super) async fn run(self, inbox: mpsc::Receiver<Command>) {
        let Self { listing, context, last_number, history, registered } = self;
        let mut actor = Actor {
            listing,
            context,
            last_number,
            history,
            members: Members::default(),
            audience: Audience::new(),
            state: State::Active,
            members_gauge: figures::members(),
            messages: figures::messages(),
            unwritten: Vec::new(),
        };
        for (username, node, count) in registered {
            actor.members.add(&username, &Holder::Node(node), count);
        }
        actor.count_members(0);
        // What a crash kept from the other nodes; they know the messages that they had.
        for message in &actor.history {
            actor.context.tell(actor.members.nodes(), &broadcast(message));
        }
        actor.run(inbox).await;
        let members = actor.members.len();
        actor.members_gauge.decrement(members);
    }
}

impl Actor {
    async fn run(&mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut commands = Vec::new();
        let mut submissions = Vec::new();
        while inbox.recv_many(&mut commands, BATCH_MAX).await > 0 {
            let mut batch = commands.drain(..);
            while let Some(command) = batch.next() {
                if let Command::Messages(messages::Command::Submit(submission)) = command {
                    submissions.push(submission);
                    continue;
                }
                self.take_messages(&mut submissions).await;
                if self.handle(command).await.is_break() {
                    inbox.close();
                    batch.for_each(|command| self.refuse_late(command));
                    while let Some(command) = inbox.recv().await {
                        self.refuse_late(command);
                    }
                    return;
                }
            }
            self.take_messages(&mut submissions).await;
            self.write_registrations().await;
        }
    }

    async fn handle(&mut self, command: Command) -> Flow {
        match command {
            Command::Membership(command) => self.handle_membership(command),
            Command::Messages(command) => self.handle_messages(command).await,
            Command::Deletion(command) => return self.handle_deletion(command).await,
        }
        ControlFlow::Continue(())
    }

    /// What comes after the room's deletion; who asked for anything but a message to be taken learns it by
    /// having no answer.
    fn refuse_late(&self, command: Command) {
        match command {
            Command::Messages(command) => self.refuse_late_message(command),
            Command::Membership(_) | Command::Deletion(_) => {}
        }
    }
}
