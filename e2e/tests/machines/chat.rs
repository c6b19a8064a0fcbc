//! People at different nodes of the chat who all talk at once, with nothing between: a client that sorts what it
//! hears would hide a wrong order.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use chat_protocol::{ChatMessage, CreateRoom, Request, RoomCreated, RoomUser, SendMessage, ServerMessage};
use futures_util::{SinkExt, StreamExt, future::try_join_all};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// Longest wait for the next message.
const LIMIT: Duration = Duration::from_mins(5);

/// Somebody at a node.
struct Person {
    name: String,
    socket: WebSocketStream<TcpStream>,
}

/// Has somebody at each of these addresses (`HOST:PORT/PATH`) say so many lines in one room, each line when the one
/// before is confirmed. Returns what all of them have heard, in the one order in which they did.
///
/// # Errors
/// When two heard something else, or a number is missing or comes twice, or somebody is refused.
pub(crate) async fn one_order(addresses: &[String], lines: usize) -> Result<Vec<ChatMessage>> {
    let mut people = Vec::new();
    for (number, address) in (1..).zip(addresses) {
        let person = Person::connect(&format!("person{number}"), address).await;
        people.push(person.with_context(|| format!("at {address}"))?);
    }
    let room = people.first_mut().context("somebody has to talk")?.create_room().await?;
    for person in &mut people {
        person.join(&room).await.with_context(|| format!("{} cannot join", person.name))?;
    }
    let all = lines * people.len();
    // Nobody leaves before everybody has heard all: whoever still waits for the answer to a last line would hear that.
    let heard = try_join_all(people.iter_mut().map(|person| person.talk(&room, lines, all))).await?;
    let (first, others) = heard.split_first().context("somebody has heard")?;
    for other in others {
        ensure!(other == first, "two orders: {:?} and {:?}", contents(first), contents(other));
    }
    let numbers: Vec<_> = first.iter().map(|message| message.sequence_number).collect();
    ensure!(numbers.iter().copied().eq(1..=u32::try_from(all)?), "the numbers are {numbers:?}");
    let said: BTreeSet<_> = contents(first).into_iter().collect();
    ensure!(said.len() == all, "{} lines were said, and {} different ones heard", all, said.len());
    Ok(first.clone())
}

fn contents(messages: &[ChatMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.content.as_str()).collect()
}

impl Person {
    async fn connect(name: &str, address: &str) -> Result<Self> {
        let (host, _) = address.split_once('/').context("an address has a path")?;
        let open = async {
            let stream = TcpStream::connect(host).await?;
            anyhow::Ok(client_async(format!("ws://{address}"), stream).await?.0)
        };
        let socket = timeout(LIMIT, open).await.context("no answer")??;
        Ok(Self { name: name.to_owned(), socket })
    }

    async fn create_room(&mut self) -> Result<String> {
        let (room_name, creator_id) = (format!("order {}", std::process::id()), self.name.clone());
        self.request(&Request::CreateRoom(CreateRoom { room_name, creator_id, description: None })).await?;
        match self.next().await? {
            ServerMessage::RoomCreated(RoomCreated::Created { room_id, .. }) => Ok(room_id),
            other => bail!("{other:?}"),
        }
    }

    /// Joins a room of this node or another.
    async fn join(&mut self, room: &str) -> Result<()> {
        // So that this node knows whose room it is.
        self.request(&Request::DiscoverRooms).await?;
        match self.next().await? {
            ServerMessage::GlobalRoomsList(list) if list.rooms.iter().any(|found| found.room_id == room) => {}
            other => bail!("the room is not in {other:?}"),
        }
        self.request(&Request::JoinRoom(self.user(room))).await?;
        match self.next().await? {
            ServerMessage::JoinRoomSuccess(_) => Ok(()),
            other => bail!("{other:?}"),
        }
    }

    /// Says `lines` lines, and hears until there were `all`.
    async fn talk(&mut self, room: &str, lines: usize, all: usize) -> Result<Vec<ChatMessage>> {
        let (mut heard, mut confirmed) = (Vec::new(), 0);
        self.say(room, 0).await?;
        while confirmed < lines || heard.len() < all {
            let next = self.next().await;
            match next.with_context(|| format!("{}: {confirmed} confirmed, {} heard", self.name, heard.len()))? {
                ServerMessage::NewMessage(message) => heard.push(message),
                ServerMessage::MessageSent(_) => {
                    confirmed += 1;
                    if confirmed < lines {
                        self.say(room, confirmed).await?;
                    }
                }
                ServerMessage::MemberJoined(_) => {}
                other => bail!("{}: {other:?}", self.name),
            }
        }
        // Whatever came twice would come before this answer.
        self.request(&Request::ListRooms).await?;
        loop {
            match self.next().await? {
                ServerMessage::NewMessage(message) => heard.push(message),
                ServerMessage::RoomsList(_) => return Ok(heard),
                _ => {}
            }
        }
    }

    async fn say(&mut self, room: &str, number: usize) -> Result<()> {
        let content = Some(format!("{}: line {number}", self.name));
        let message = SendMessage { room_id: room.to_owned(), username: self.name.clone(), content };
        self.request(&Request::SendMessage(message)).await
    }

    fn user(&self, room: &str) -> RoomUser {
        RoomUser { room_id: room.to_owned(), username: self.name.clone() }
    }

    async fn request(&mut self, request: &Request) -> Result<()> {
        let text = serde_json::to_string(request)?;
        timeout(LIMIT, self.socket.send(Message::text(text))).await.context("the node takes nothing")??;
        Ok(())
    }

    async fn next(&mut self) -> Result<ServerMessage> {
        loop {
            let frame = timeout(LIMIT, self.socket.next()).await.context("nothing comes")?;
            match frame.context("the connection is closed")?? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Ping(_) | Message::Pong(_) => {}
                other => bail!("{other:?}"),
            }
        }
    }
}
