//! What stands in for Swarm's load balancing on a kernel that has none.
//!
//! A service's virtual address and the ingress routing mesh are the kernel's IPVS. Without it they
//! never answer. Then `docker stack deploy` gets one more file: the services get DNS round robin
//! instead of a virtual address, and a service on every node answers on the port that the mesh would
//! have opened there. On a kernel with IPVS nothing of this is used.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use regex::Regex;

use crate::cluster::Node;

/// The service that listens where the routing mesh would: a name to find in lists of services.
pub const STAND_IN: &str = "routing-mesh";

/// What the stand-in runs.
pub const STAND_IN_IMAGE: &str = "nginx:1-alpine";

/// Whether this kernel can balance the load of Swarm services.
#[must_use]
pub fn kernel_has_ipvs() -> bool {
    // Loads it where it is a module, as the engine does. Where it is built in, or is missing, this fails.
    let _ = Command::new("modprobe").arg("ip_vs").output();
    Path::new("/proc/net/ip_vs").exists()
}

/// The variables that a stack of `docker-compose.yml` needs together with these files: only a port of
/// the same number is replaced.
pub const NO_PORTS: [(&str, &str); 9] = [
    ("PRODUCER_PORT", "0"),
    ("NODE1_WS_PORT", "0"),
    ("NODE1_RPC_PORT", "0"),
    ("NODE2_WS_PORT", "0"),
    ("NODE2_RPC_PORT", "0"),
    ("NODE3_WS_PORT", "0"),
    ("NODE3_RPC_PORT", "0"),
    ("API_PORT", "0"),
    ("WEBUI_PORT", "0"),
];

/// Writes the file that gives every service a name instead of a virtual address; deploy it with
/// [`NO_PORTS`].
///
/// # Errors
/// When the folder cannot be written.
pub fn write_round_robin(folder: &Path) -> Result<PathBuf> {
    write(folder, "round-robin.yml", ROUND_ROBIN)
}

/// Writes the same file with the stand-in for the routing mesh on port 5000 of every node.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_stand_in(folder: &Path) -> Result<PathBuf> {
    let nginx = write(folder, "nginx.conf", &nginx(5000, "producer:5000"))?;
    let stand_in = format!(
        "{ROUND_ROBIN}  {STAND_IN}:
    image: {STAND_IN_IMAGE}
    configs: [{{source: {STAND_IN}, target: /etc/nginx/nginx.conf}}]
    ports: [{{target: 5000, published: 5000, mode: host}}]
    deploy: {{mode: global, endpoint_mode: dnsrr}}
configs:
  {STAND_IN}:
    file: {}
",
        nginx.display()
    );
    write(folder, "stand-in.yml", &stand_in)
}

/// The command of a page as it has to be here: with the file `stand_in` for a stack, and with ports
/// of the node instead of the mesh for a service.
///
/// # Errors
/// Never for the patterns that stand here.
pub fn adapt(command: &str, stand_in: &Path) -> Result<String> {
    let deploy = Regex::new(r"docker stack deploy((?: -c \S+)+)")?;
    let publish = Regex::new(r"(docker service create .*)--publish (\d+):(\d+)")?;
    let no_ports: Vec<_> = NO_PORTS.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let more = format!("{} docker stack deploy$1 -c {}", no_ports.join(" "), stand_in.display());
    let command = deploy.replace(command, more);
    let command = publish.replace(&command, "$1--publish published=$2,target=$3,mode=host");
    Ok(command.into_owned())
}

/// The command of a page that creates a service and publishes a port of it by `-p`, as it has to be here: with the
/// stand-in on that port of every node, made first and quietly. Any other command stays as it is.
///
/// # Errors
/// When the folder cannot be written.
pub fn adapt_published(command: &str, folder: &Path) -> Result<String> {
    let publish = Regex::new(r"^(docker service create .*)-p (\d+):(\d+)(.*)$")?;
    let Some(found) = publish.captures(command) else { return Ok(command.to_owned()) };
    let (published, target) = (found[2].parse()?, &found[3]);
    let nginx = write(folder, "nginx.conf", &nginx(published, &format!("published:{target}")))?;
    Ok(format!(
        "{{ docker network create --driver overlay {STAND_IN} && docker config create {STAND_IN} {} &&
            docker service create --detach --name {STAND_IN} --mode global --network {STAND_IN} \
                --endpoint-mode dnsrr --publish published={published},target={published},mode=host \
                --config source={STAND_IN},target=/etc/nginx/nginx.conf {STAND_IN_IMAGE}; }} >/dev/null 2>&1 &&
        {}--network name={STAND_IN},alias=published --endpoint-mode dnsrr{}",
        nginx.display(),
        &found[1],
        &found[4]
    ))
}

/// Leads what one node sends to its own port to that of another: the mesh would answer at `localhost` of every node.
///
/// # Errors
/// When the node cannot be told.
pub fn lead_traffic(from: &Node, to: &Node, port: u16) -> Result<()> {
    from.shell(&leading_traffic(to.address(), port)).map(drop)
}

/// What a node runs for that, of which the other has this address.
#[must_use]
pub fn leading_traffic(address: &str, port: u16) -> String {
    format!(
        "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
        iptables -t nat -I OUTPUT -d 127.0.0.1 -p tcp --dport {port} -j DNAT --to {address}:{port}
        iptables -t nat -I POSTROUTING -d {address} -p tcp --dport {port} -j MASQUERADE"
    )
}

/// Writes the file that gives the one service of `stack.yml` which needs the mesh, the producer, a name instead of a
/// virtual address, and the port of the nodes where it runs.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_producer_round_robin(folder: &Path) -> Result<PathBuf> {
    write(folder, "producer-round-robin.yml", PRODUCER_ROUND_ROBIN)
}

/// The lines of a page or of an output without what only the mesh would show, or only its stand-in, and
/// without what Docker says of images that it cannot ask a registry about.
///
/// # Errors
/// Never for the patterns that stand here.
pub fn without_mesh(text: &str) -> Result<Vec<String>> {
    let not_found = Regex::new(r"image \S+ could not be accessed[^.]*\.[^.]*\.")?;
    let port = Regex::new(r"(, ?)?\*:\d+->\d+/tcp")?;
    let text = not_found.replace_all(text, "");
    let lines = text.lines().filter(|line| !line.contains(STAND_IN));
    Ok(lines.map(|line| port.replace_all(line, "").into_owned()).collect())
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    Ok(path)
}

const PRODUCER_ROUND_ROBIN: &str = "services:
  producer:
    ports: [{target: 5000, published: 5000, mode: host}]
    deploy: {endpoint_mode: dnsrr}
";

const ROUND_ROBIN: &str = "services:
  producer:
    ports: [{target: 5000, mode: host}]
    deploy: {endpoint_mode: dnsrr}
  consumer:
    deploy: {endpoint_mode: dnsrr}
  node1: &node
    ports: [{target: 8080, mode: host}, {target: 9090, mode: host}]
    deploy: {endpoint_mode: dnsrr}
  node2: *node
  node3: *node
  api:
    ports: [{target: 9000, mode: host}]
    deploy: {endpoint_mode: dnsrr}
  webui:
    ports: [{target: 8080, mode: host}]
    deploy: {endpoint_mode: dnsrr}
  miner: &name
    deploy: {endpoint_mode: dnsrr}
  redis: *name
";

/// As the mesh does, each connection goes to the next replica, and replicas that leave are forgotten.
fn nginx(published: u16, target: &str) -> String {
    format!(
        "user nginx;
events {{}}
http {{
  access_log off;
  resolver 127.0.0.11 valid=1s ipv6=off;
  server {{
    listen {published};
    location / {{
      set $target http://{target};
      proxy_pass $target;
      proxy_http_version 1.1;
      proxy_set_header Connection close;
      proxy_connect_timeout 1s;
    }}
  }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{adapt, without_mesh};

    #[test]
    fn only_what_needs_the_mesh_is_adapted() -> anyhow::Result<()> {
        for (page, here) in [
            (
                "TAG=2 docker stack deploy -c docker-compose.yml myapp",
                "TAG=2 PRODUCER_PORT=0 NODE1_WS_PORT=0 NODE1_RPC_PORT=0 NODE2_WS_PORT=0 NODE2_RPC_PORT=0 \
                 NODE3_WS_PORT=0 NODE3_RPC_PORT=0 API_PORT=0 WEBUI_PORT=0 docker stack deploy -c docker-compose.yml -c /x.yml myapp",
            ),
            (
                "docker service create --name registry --publish 5001:5000 registry:2",
                "docker service create --name registry --publish published=5001,target=5000,mode=host registry:2",
            ),
            ("docker service ls", "docker service ls"),
            ("docker compose up --build", "docker compose up --build"),
        ] {
            assert_eq!(adapt(page, Path::new("/x.yml"))?, here);
        }
        Ok(())
    }

    #[test]
    fn lists_lose_the_stand_in_and_the_ports_of_the_mesh() -> anyhow::Result<()> {
        let lines = "a  myapp_producer 1/1 *:5000->5000/tcp,*:5000->5000/tcp\nb myapp_routing-mesh global\n\
            image nginx:1-alpine could not be accessed on a registry to record\n\
            its digest. Each node will access nginx:1-alpine independently,\n\
            possibly leading to different nodes running different\nversions of the image.\nc";
        assert_eq!(without_mesh(lines)?, ["a  myapp_producer 1/1 ", "", "c"]);
        Ok(())
    }
}
