//! A machine of files on which everything is well, to be broken.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::{Program, start_command};

use super::Report;
use crate::harness::{command, free_offset};

/// The variables of the ports of ours, and these.
const PORTS: [(&str, u16); 10] = [
    ("PRODUCER_PORT", 5000),
    ("WEBUI_PORT", 8080),
    ("WAY_IN_PORT", 8080),
    ("NODE1_WS_PORT", 8081),
    ("NODE2_WS_PORT", 8082),
    ("NODE3_WS_PORT", 8083),
    ("API_PORT", 9000),
    ("NODE1_RPC_PORT", 9091),
    ("NODE2_RPC_PORT", 9092),
    ("NODE3_RPC_PORT", 9093),
];

/// The kernel that it has.
pub(super) const KERNEL: &str = "6.12.47-v8";

/// Its files.
const FILES: [(&str, &str); 9] = [
    ("proc/cpuinfo", "processor\t: 0\nmodel name\t: Cortex-A72\nCPU architecture: 8\n"),
    ("proc/sys/kernel/osrelease", "6.12.47-v8\n"),
    ("proc/self/limits", "Limit Soft Limit Hard Limit Units\nMax open files            65536        524288  files \n"),
    ("proc/net/route", ROUTES),
    ("sys/class/net/eth0/mtu", "1500\n"),
    ("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n"),
    ("lib/modules/6.12.47-v8/modules.builtin", "kernel/net/netfilter/ipvs/ip_vs.ko\n"),
    (
        "lib/modules/6.12.47-v8/modules.dep",
        "kernel/drivers/net/vxlan/vxlan.ko.xz: kernel/net/ipv4/udp_tunnel.ko.xz\nkernel/net/bridge/br_netfilter.ko.xz:\n",
    ),
    ("boot/firmware/cmdline.txt", "console=tty1 root=/dev/mmcblk0p2 rootwait\n"),
];

/// To the world through 192.168.0.1, and a network of Docker, 172.17.0.0/16.
pub(super) const ROUTES: &str = "\
Iface Destination Gateway  Flags RefCnt Use Metric Mask     MTU Window IRTT
eth0  00000000    0100A8C0 0003  0      0   0      00000000 0   0      0
eth0  0000A8C0    00000000 0001  0      0   0      00FFFFFF 0   0      0
docker0 000011AC  00000000 0001  0      0   0      0000FFFF 0   0      0
";

pub(super) struct Machine {
    folder: TempDir,
    pub(super) programs: Vec<&'static str>,
    variables: BTreeMap<&'static str, String>,
}

/// What `docker info` says on it, but for the time.
pub(super) fn info() -> Value {
    json!({
        "ClientInfo": { "Plugins": [
            { "Name": "buildx", "Version": "v0.29.1" },
            { "Name": "compose", "Version": "v2.40.3" },
        ] },
        "ServerVersion": "29.8.2",
        "Architecture": "aarch64",
        "CgroupVersion": "2",
        "MemoryLimit": true,
        "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
        "DockerRootDir": "/nowhere",
        "IndexServerAddress": "https://hub.test/v1/",
        "RegistryConfig": { "Mirrors": null },
        "Swarm": {
            "LocalNodeState": "active",
            "NodeAddr": "192.168.0.11",
            "ControlAvailable": true,
            "Error": "",
            "Cluster": { "DefaultAddrPool": ["10.0.0.0/8"] },
        },
    })
}

/// What `docker node inspect` says of a node.
pub(super) fn node(name: &str, role: &str, labels: &Value) -> Value {
    json!({ "Spec": { "Role": role, "Labels": labels }, "Description": { "Hostname": name } })
}

/// What Docker Hub says to whoever is so many seconds ahead of it.
pub(super) fn hub(ahead: i64, remaining: &str) -> String {
    let time = Timestamp::now() - SignedDuration::from_secs(ahead);
    let date = time.strftime("%a, %d %b %Y %H:%M:%S GMT");
    format!(
        "HTTP/2 200\r\ndate: {date}\r\nratelimit-limit: 100;w=21600\r\nratelimit-remaining: {remaining};w=21600\r\n"
    )
}

impl Machine {
    pub(super) fn healthy() -> Self {
        let offset = free_offset();
        let ports = PORTS.map(|(variable, port)| (variable, (port + offset).to_string()));
        let folder = tempfile::tempdir().unwrap();
        let mut machine = Self { folder, programs: vec!["docker", "curl"], variables: BTreeMap::from(ports) };
        for (path, text) in FILES {
            machine.file(path, text);
        }
        machine.answer("version", "Docker version 29.8.2, build 1234567");
        machine.info(|_| {});
        machine.answer("network-ls", "1\n2\n");
        let network = |name: &str, scope: &str, subnet: &str| {
            let ipam = json!({ "Config": [{ "Subnet": subnet }] });
            json!({ "Name": name, "Id": format!("{name}5678"), "Scope": scope, "IPAM": ipam, "Options": {} })
        };
        let networks = json!([network("bridge", "local", "172.17.0.0/16"), network("ingress", "swarm", "10.0.0.0/24")]);
        machine.answer("network-inspect", &networks.to_string());
        machine.answer("node-ls", "1\n2\n");
        let nodes = json!([node("pi1", "manager", &json!({ "redis": "primary" })), node("pi2", "worker", &json!({}))]);
        machine.answer("node-inspect", &nodes.to_string());
        machine.answer("ps", "");
        machine.answer("service-ls", "");
        machine.answer("hub", &hub(0, "98"));
        machine
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.folder().join("root").join(name).to_str().unwrap().to_owned()
    }

    /// Writes one of its files.
    pub(super) fn file(&mut self, path: &str, text: &str) {
        let path = PathBuf::from(self.path(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn remove(&mut self, path: &str) {
        let path = self.path(path);
        if fs::metadata(&path).unwrap().is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }

    /// Writes what `docker` answers to a question, or Docker Hub.
    pub(super) fn answer(&mut self, question: &str, text: &str) {
        let folder = self.folder().join("answers");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(question), text).unwrap();
    }

    /// Changes what `docker info` says.
    pub(super) fn info(&mut self, change: impl FnOnce(&mut Value)) {
        let mut info = info();
        info["SystemTime"] = Timestamp::now().to_string().into();
        change(&mut info);
        self.answer("info", &info.to_string());
    }

    /// Sets a variable.
    pub(super) fn set(&mut self, name: &'static str, value: &str) {
        self.variables.insert(name, value.to_owned());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let root = format!("--root={}", self.path(""));
        // However busy the real machine is.
        let timeout = if arguments.iter().any(|argument| argument.starts_with("--timeout")) {
            &[][..]
        } else {
            &["--timeout=1m"]
        };
        let mut command = command(&[&["doctor", &root], timeout, arguments].concat());
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/doctor/programs");
        let path = self.programs.iter().map(|program| programs.join(program));
        command.env("PATH", std::env::join_paths(path).unwrap());
        command.env("ANSWERS", self.folder().join("answers"));
        command.envs(&self.variables);
        // There is no file of variables there.
        command.current_dir(self.folder());
        command
    }

    pub(super) fn start(&self, arguments: &[&str]) -> Program {
        start_command(self.command(arguments))
    }

    pub(super) fn doctor(&self, arguments: &[&str]) -> Report {
        let (code, stdout, log) = self.start(&[arguments, &["--json"]].concat()).output();
        assert_eq!(log, "");
        Report { code, json: serde_json::from_str(&stdout).unwrap() }
    }
}
