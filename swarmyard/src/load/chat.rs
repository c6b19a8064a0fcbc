//! `swarmyard load chat`: fills a room, has its members speak, and says what came to whom, and when.

use std::sync::{Arc, Mutex};

use anyhow::Context;
use chat_protocol::RoomUser;
use futures_util::{StreamExt, TryStreamExt, stream};
use service::program::say;
use tokio_util::sync::CancellationToken;

mod connection;
mod line;
mod options;
mod order;
mod talk;

pub(crate) use options::{MANUAL, Options};

use connection::Connection;
use options::Node;
use talk::{Member, Talk};

use super::crew::Crew;
use super::progress::Progress;
use super::session::{View, follow};
use super::tally::Tally;
use super::terms::{CHAT, Terms};
use super::{judge, plural};

/// Members that join at a time.
const JOINS_MAX: usize = 50;

/// Talks as `options` say, shows how it goes, and reports.
pub(super) async fn run(options: Options, signal: &CancellationToken) -> anyhow::Result<()> {
    let terms = terms(&options);
    let room = Room::create(&options.nodes).await?;
    let talked = talk(&room, &options, &terms, signal).await;
    room.delete().await;
    let progress = talked?;
    judge(&progress, &terms, &options.fail_on, options.json)
}

async fn talk(room: &Room, options: &Options, terms: &Terms, signal: &CancellationToken) -> anyhow::Result<Progress> {
    let members = room.fill(options).await?;
    let mut view = View::open(options.json).context("cannot draw on this terminal; `| cat` shows lines instead")?;
    let talk = Arc::new(Talk::begin(options)?);
    let tally = Arc::new(Mutex::new(Tally::new()));
    let work = members.into_iter().map(|member| member.talk(talk.clone(), tally.clone()));
    let crew = Crew::spawn(talk.start(), work, tally.clone());
    let followed = follow(crew, &mut view, terms, signal, || talk.pacer.end_now()).await;
    drop(view);
    let mut progress = followed.context("cannot write what there is to say")?;
    for (fault, count) in talk.faults() {
        progress.total.note_fault(fault, count);
    }
    Ok(progress)
}

fn terms(options: &Options) -> Terms {
    let Options { nodes, clients, rate, .. } = options;
    let nodes: Vec<_> = nodes.iter().map(ToString::to_string).collect();
    let title = format!("{}, {}, {rate} messages a second", nodes.join(" "), plural(*clients, "member"));
    let explanation = "confirmed: from when a message was sent; delivered: from when it was due, to each member";
    Terms { title, things: "deliveries", columns: CHAT, explanation: Some(explanation), duration: options.duration }
}

/// A room that was made for this.
struct Room {
    /// The node that it is on.
    node: Node,
    /// Who has made it, and so may delete it.
    user: RoomUser,
}

impl Room {
    async fn create(nodes: &[Node]) -> anyhow::Result<Self> {
        let node = nodes.first().context("there is no node")?.clone();
        let (name, username) = (format!("load-{:08x}", rand::random::<u32>()), "load".to_owned());
        let mut maker = Connection::open(&node).await?;
        let room_id = maker.create_room(&name, &username).await?;
        maker.close().await;
        Ok(Self { node, user: RoomUser { room_id, username } })
    }

    /// Has members join, on the nodes in turn.
    async fn fill(&self, options: &Options) -> anyhow::Result<Vec<Member>> {
        let nodes = options.nodes.iter().cycle().zip(1..=options.clients);
        let joins = nodes.map(async |(node, number)| {
            let mut connection = Connection::open(node).await?;
            let user = RoomUser { username: format!("member-{number}"), ..self.user.clone() };
            connection.join(&user).await?;
            anyhow::Ok(Member { connection, user, node: node.to_string() })
        });
        stream::iter(joins).buffer_unordered(JOINS_MAX).try_collect().await
    }

    /// Deletes it, or says that it stays.
    async fn delete(&self) {
        let deletion = async {
            let mut maker = Connection::open(&self.node).await?;
            maker.delete_room(&self.user).await?;
            maker.close().await;
            anyhow::Ok(())
        };
        if let Err(error) = deletion.await {
            say(&format!("the room {} stays: {error:#}", self.user.room_id));
        }
    }
}
