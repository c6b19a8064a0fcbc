//! What a connection costs that does nothing.

use std::thread;
use std::time::Duration;

use bench_rounds::thousands;

use crate::figures::Summary;
use crate::options::{Kind, Options};
use crate::server::Server;

/// Wait for the servers to have done everything, before memory is looked at.
const SETTLE: Duration = Duration::from_secs(1);

/// Measures resident memory on each server, started anew for each figure.
///
/// # Errors
/// When a server fails, or not all clients get in.
pub(crate) fn idle(options: &Options, summary: &mut Summary) -> anyhow::Result<()> {
    let ways = [(Kind::Reference, false), (Kind::One, false), (Kind::One, true)];
    for (kind, joins) in ways.into_iter().filter(|(kind, _)| options.servers.contains(kind)) {
        let way = if joins { "in one room" } else { "in no room" };
        eprintln!("idle, {}, {way}: {} connections", kind.name(), options.idle_connections);
        let server = Server::start(kind, options)?;
        let room = if joins { server.room(options)? } else { None };
        thread::sleep(SETTLE);
        let before = server.usage()?.resident_bytes;
        let fleet = server.connect(room.as_ref(), options.idle_connections)?;
        server.rest()?;
        thread::sleep(SETTLE);
        let after = server.usage()?.resident_bytes;
        let open = fleet.clients.len() as f64;
        let each = after.saturating_sub(before) as f64 / open;
        let megabytes = [before, after].map(|bytes| format!("{:.1}", bytes as f64 / 1e6));
        let what = format!("idle: resident bytes a connection, {} {way}", options.idle_connections);
        summary.add(&what, kind.name(), format!("{} ({} MB to {} MB)", thousands(each, 0), megabytes[0], megabytes[1]));
    }
    Ok(())
}
