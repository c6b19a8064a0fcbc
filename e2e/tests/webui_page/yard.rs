//! Producers, a consumer, nodes of the chat, and the page's server, as processes.

use std::net::Ipv4Addr;

use anyhow::Result;
use chat_protocol::{CreateRoom, Request};
use futures_util::SinkExt;
use testing::knobs::CHAOS_TOKEN;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::service::{Service, free_port, own_address, program};

/// What a test starts; all end when this is dropped.
#[derive(Debug)]
pub(crate) struct Yard {
    host: Ipv4Addr,
    producers: Vec<Service>,
    consumer: Service,
    nodes: Vec<Service>,
    webui: Service,
}

impl Yard {
    /// Starts two producers, which have knobs, on the machines `pi1` and `pi2`, two nodes of the chat there, and on `pi3`
    /// a consumer, which asks the first producer ten times a second, and the page.
    pub(crate) fn start() -> Result<Self> {
        let host = own_address();
        let ports: Vec<u16> = (0..8).map(|_| free_port(host)).collect::<Result<_>>()?;
        let places: Vec<_> = ports.iter().map(|port| format!("{host}:{port}")).collect();
        let producer = |number: usize| -> Result<Service> {
            let producer = Service::listening("producer", host, ports[number])?;
            Ok(producer
                .setting("SERVED_BY", &format!("yard_producer.{}@pi{}", number + 1, number + 1))
                .setting("NODE_NAME", &format!("pi{}", number + 1))
                .setting(CHAOS_TOKEN.0, CHAOS_TOKEN.1))
        };
        let node = |number: usize| -> Result<Service> {
            let (own, other) = (number + 1, 2 - number);
            let node = Service::new(program("chat-node")?, "listening on nodes");
            Ok(node
                .setting("NODE_ID", &format!("node{own}"))
                .setting("SERVED_BY", &format!("yard_node{own}@pi{own}"))
                .setting("NODE_NAME", &format!("pi{own}"))
                .setting("WEBSOCKET_HOST", &host.to_string())
                .setting("WEBSOCKET_PORT", &ports[5 + number].to_string())
                .setting("XMLRPC_HOST", &host.to_string())
                .setting("XMLRPC_PORT", &ports[3 + number].to_string())
                .setting("HEARTBEAT_INTERVAL", "1s")
                .setting("PEER_NODES", &format!("node{other}:{}", places[2 + other])))
        };
        let consumer = Service::new(program("consumer")?, "listening on ")
            .setting("PRODUCER_URL", &format!("http://{}/number", places[0]))
            .setting("POLL_INTERVAL", "100ms")
            .setting("OPS_HOST", &host.to_string())
            .setting("OPS_PORT", &ports[2].to_string())
            .setting("SERVED_BY", "yard_consumer.1@pi3")
            .setting("NODE_NAME", "pi3");
        let webui = Service::listening("webui", host, ports[7])?
            .setting("SERVED_BY", "yard_webui.1@pi3")
            .setting("NODE_NAME", "pi3")
            .setting("API_URL", &format!("http://{host}:1"))
            .setting("YARD", &[&places[..5], &places[7..]].concat().join(","));
        let mut yard = Self {
            host,
            producers: (0..2).map(producer).collect::<Result<_>>()?,
            consumer,
            nodes: (0..2).map(node).collect::<Result<_>>()?,
            webui,
        };
        for service in yard.producers.iter_mut().chain(&mut yard.nodes).chain([&mut yard.consumer, &mut yard.webui]) {
            service.start()?;
        }
        Ok(yard)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}/", self.host, self.webui.setting_of("PORT"))
    }

    /// A producer; the first is 1.
    pub(crate) fn producer(&mut self, number: usize) -> &mut Service {
        &mut self.producers[number - 1]
    }

    /// A node; the first is 1.
    pub(crate) fn node(&mut self, number: usize) -> &mut Service {
        &mut self.nodes[number - 1]
    }

    pub(crate) fn consumer(&mut self) -> &mut Service {
        &mut self.consumer
    }

    pub(crate) fn webui(&mut self) -> &mut Service {
        &mut self.webui
    }

    /// Somebody makes a room at the first node.
    pub(crate) async fn makes_a_room(&self, name: &str) -> Result<()> {
        let port = self.nodes[0].setting_of("WEBSOCKET_PORT");
        let (mut socket, _) = connect_async(format!("ws://{}:{port}/", self.host)).await?;
        let room = CreateRoom { room_name: name.to_owned(), creator_id: "alice".to_owned(), description: None };
        socket.send(Message::text(serde_json::to_string(&Request::CreateRoom(room))?)).await?;
        Ok(socket.close(None).await?)
    }
}
