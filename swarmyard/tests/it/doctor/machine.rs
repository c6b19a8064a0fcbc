//! Each finding about a machine, provoked.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::healthy::{KERNEL, Machine, ROUTES, hub, node};

/// A way in which a machine is broken: the check that finds it, how bad it is, what was found, and what mends it.
type Case = (&'static str, &'static str, &'static str, &'static str, fn(&mut Machine));

const CASES: &[Case] = &[
    ("docker", "error", "there is no command docker", "get.docker.com", |machine| machine.programs = vec!["curl"]),
    ("client-version", "error", "Docker version 20.10.24+dfsg1", "get.docker.com", |machine| {
        machine.answer("version", "Docker version 20.10.24+dfsg1, build 297e128");
    }),
    ("client-version", "error", "Docker version 24.0.7", "get.docker.com", |machine| {
        machine.answer("version", "Docker version 24.0.7, build afdd53b");
    }),
    ("engine", "error", "permission denied", "sudo usermod -aG docker", |machine| {
        away(machine, "permission denied while trying to connect to the Docker daemon socket");
    }),
    ("engine", "error", "Cannot connect", "systemctl enable --now docker", |machine| {
        away(machine, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock");
    }),
    ("engine", "error", "is too old", "apt-get install docker-ce", |machine| {
        away(
            machine,
            "Error response from daemon: client version 1.51 is too old. Minimum supported API version is 1.60",
        );
    }),
    ("engine-version", "error", "the engine is 24.0.7", "get.docker.com", |machine| engine(machine, "24.0.7")),
    ("engine-version", "error", "the engine is 20.10.24", "get.docker.com", |machine| {
        engine(machine, "20.10.24+dfsg1");
    }),
    ("lost-names", "warning", "the engine is 29.0.0", "docker-ce", |machine| engine(machine, "29.0.0")),
    ("lost-names", "warning", "the engine is 29.7.1", "docker-ce", |machine| engine(machine, "29.7.1")),
    ("image-store", "warning", "its own store", "| sudo tee /etc/docker/daemon.json", old_store),
    ("image-store", "warning", "its own store", "in /etc/docker/daemon.json: {", |machine| {
        machine.file("etc/docker/daemon.json", "{}");
        old_store(machine);
    }),
    ("buildx", "error", "there is no docker buildx", "docker-buildx-plugin", |machine| {
        plugins(machine, &[("compose", "v5.0.0")]);
    }),
    ("compose", "error", "there is no docker compose", "docker-compose-plugin", |machine| {
        plugins(machine, &[("buildx", "v1")]);
    }),
    ("compose", "error", "only docker-compose version 1.29.2", "docker-compose-plugin", |machine| {
        machine.programs.push("docker-compose");
        plugins(machine, &[("buildx", "v1")]);
    }),
    ("compose", "error", "Compose is v2.17.3", "docker-compose-plugin", |machine| {
        plugins(machine, &[("buildx", "v1"), ("compose", "v2.17.3")]);
    }),
    ("disk", "warning", "/var/lib/docker has 0.0 GB left", "docker system prune", |machine| {
        // A file system without any room.
        let disk = if cfg!(target_os = "macos") { "/dev" } else { "/proc" };
        fs::create_dir_all(machine.path("var/lib")).unwrap();
        symlink(disk, machine.path("var/lib/docker")).unwrap();
        machine.info(|info| info["DockerRootDir"] = "/var/lib/docker".into());
    }),
    ("pulls", "warning", "3 pulls are left", "docker login", |machine| machine.answer("hub", &hub(0, "3"))),
    ("architecture", "error", "ARMv6", "--availability drain", |machine| {
        let cpu = "model name\t: ARMv6-compatible processor rev 7 (v6l)\nCPU architecture: 7\n";
        machine.file("proc/cpuinfo", cpu);
    }),
    ("architecture", "error", "riscv64", "--availability drain", |machine| {
        machine.info(|info| info["Architecture"] = "riscv64".into());
    }),
    ("memory-limits", "warning", "does not count", "' /boot/firmware/cmdline.txt && sudo reboot", |machine| {
        machine.file("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n");
    }),
    ("memory-limits", "warning", "does not count", "sudo reboot", |machine| {
        machine.file("boot/firmware/cmdline.txt", "rootwait cgroup_enable=memory\n");
        machine.info(|info| info["MemoryLimit"] = false.into());
    }),
    ("memory-limits", "warning", "does not count", "update-grub", |machine| {
        machine.remove("boot/firmware/cmdline.txt");
        machine.remove("sys/fs/cgroup/cgroup.controllers");
        machine.file("proc/cgroups", "#subsys_name hierarchy num_cgroups enabled\ncpu 2 1 1\nmemory 0 1 0\n");
    }),
    ("cgroup-version", "warning", "cgroup v1", "unified_cgroup_hierarchy", |machine| {
        machine.info(|info| info["CgroupVersion"] = "1".into());
    }),
    ("modules", "error", "6.12.50-v8, and there are modules of 6.12.47-v8 only", "sudo reboot", |machine| {
        machine.file("proc/sys/kernel/osrelease", "6.12.50-v8\n");
    }),
    ("ip_vs", "error", "has no ip_vs", "CONFIG_IP_VS=m", |machine| machine.file(&in_modules("modules.builtin"), "")),
    ("vxlan", "error", "has no vxlan", "linux-modules-extra-6.12.47-v8", |machine| {
        machine.file("etc/os-release", "NAME=\"Ubuntu\"\nID=ubuntu\n");
        machine.file(&in_modules("modules.dep"), "kernel/net/bridge/br_netfilter.ko:\n");
    }),
    ("br_netfilter", "warning", "has no br_netfilter", "CONFIG_BR_NETFILTER=m", |machine| {
        machine.file(&in_modules("modules.dep"), "kernel/drivers/net/vxlan/vxlan.ko.xz:\n");
    }),
    ("open-files", "warning", "may open 1024 files", "ulimit -n 65536", |machine| {
        machine.file("proc/self/limits", "Max open files            1024          524288      files\n");
    }),
    ("swarm", "error", "does not have a leader", "--force-new-cluster", |machine| {
        let error = "The swarm does not have a leader. It's possible that too few managers are online.";
        machine.info(|info| info["Swarm"]["Error"] = error.into());
    }),
    ("swarm", "error", "locked", "docker swarm unlock", |machine| {
        machine.info(|info| info["Swarm"] = json!({ "LocalNodeState": "locked" }));
    }),
    ("managers", "warning", "has 2 managers", "docker node promote", |machine| {
        let nodes = json!([node("pi1", "manager", &json!({})), node("pi2", "manager", &json!(null))]);
        machine.answer("node-inspect", &nodes.to_string());
    }),
    ("address-pool", "warning", "eth0 is in 10.1.2.0/24", "swarm leave --force && docker swarm init", |machine| {
        machine.file("proc/net/route", &in_lan("0002010A"));
    }),
    (
        "address-pool",
        "warning",
        "eth0 is in 10.1.2.0/24",
        "docker swarm init --default-addr-pool 172.30.0.0/16",
        |machine| {
            machine.file("proc/net/route", &in_lan("0002010A"));
            machine.info(|info| info["Swarm"] = json!({ "LocalNodeState": "inactive" }));
        },
    ),
    (
        "networks",
        "warning",
        "the network bridge of Docker has 172.17.0.0/16, and eth0 is in 172.17.5.0/24",
        "network rm",
        |machine| {
            machine.file("proc/net/route", &in_lan("000511AC"));
        },
    ),
    ("mtu", "warning", "eth0 carries packets of 1420 bytes", "echo OVERLAY_MTU=1370 >>deploy/.env", |machine| {
        machine.file("sys/class/net/eth0/mtu", "1420\n");
    }),
    ("engine-clock", "warning", "ahead of its engine's", "restart", |machine| {
        let time = Timestamp::now() - SignedDuration::from_mins(5);
        machine.info(|info| info["SystemTime"] = time.to_string().into());
    }),
    ("clock", "warning", "behind Docker Hub's", "", |machine| machine.answer("hub", &hub(-3600, "98"))),
];

fn away(machine: &mut Machine, why: &str) {
    // As the client says it: all of the engine's part, empty.
    machine.info(|info| {
        for key in ["ServerVersion", "Architecture", "CgroupVersion", "DockerRootDir", "SystemTime"] {
            info[key] = "".into();
        }
        info["MemoryLimit"] = false.into();
        info["DriverStatus"] = json!(null);
        info["Swarm"] = json!({ "LocalNodeState": "", "NodeAddr": "", "ControlAvailable": false, "Error": "" });
        info["ServerErrors"] = json!([why]);
    });
}

fn engine(machine: &mut Machine, version: &str) {
    machine.info(|info| info["ServerVersion"] = version.into());
}

fn old_store(machine: &mut Machine) {
    machine.info(|info| info["DriverStatus"] = json!([["Backing Filesystem", "extfs"]]));
}

fn plugins(machine: &mut Machine, plugins: &[(&str, &str)]) {
    let plugins = plugins.iter().map(|(name, version)| json!({ "Name": name, "Version": version }));
    machine.info(|info| info["ClientInfo"]["Plugins"] = plugins.collect());
}

fn in_modules(file: &str) -> String {
    format!("lib/modules/{KERNEL}/{file}")
}

/// The table of routes, in another LAN, which is written as the kernel does.
fn in_lan(network: &str) -> String {
    ROUTES.replace("0000A8C0", network)
}

#[test]
fn each_finding_is_provoked_and_nothing_else_is_found() {
    for (id, level, found, mend, break_it) in CASES {
        let mut machine = Machine::healthy();
        break_it(&mut machine);
        let report = machine.doctor(&[]);
        report.assert_found(id, level, found, mend);
        // Somebody else may have taken a port.
        assert!(report.found().is_subset(&[*id, "ports"].into()), "{:#}", report.json);
    }
}

#[test]
fn no_check_is_without_a_case() {
    let report = Machine::healthy().doctor(&[]);
    let provoked: BTreeSet<_> = CASES.iter().map(|case| case.0).collect();
    // The first two have tests of their own; the last one never finds anything.
    let others = BTreeSet::from(["ports", "peers", "peers-udp"]);
    assert_eq!(report.ids().difference(&provoked).copied().collect::<BTreeSet<_>>(), others);
}

#[test]
fn versions_that_do_not_lose_names_are_fine() {
    for version in ["28.5.2", "29.8.0", "30.0.0"] {
        let mut machine = Machine::healthy();
        engine(&mut machine, version);
        assert_eq!(machine.doctor(&[]).verdict("lost-names"), "fine", "{version}");
    }
}

#[test]
fn a_client_that_is_too_old_is_the_one_cause() {
    let mut machine = Machine::healthy();
    machine.answer("version", "Docker version 20.10.24+dfsg1, build 297e128");
    away(
        &mut machine,
        "Error response from daemon: client version 1.41 is too old. Minimum supported API version is 1.44",
    );
    let report = machine.doctor(&[]);
    assert!(report.found().is_subset(&["client-version", "ports"].into()), "{:#}", report.json);
    assert_eq!(report.verdict("engine"), "unknown");
}

#[test]
fn an_overlay_network_that_was_made_smaller_fits() {
    let mut machine = Machine::healthy();
    machine.file("sys/class/net/eth0/mtu", "1420\n");
    machine.set("OVERLAY_MTU", "1370");
    assert_eq!(machine.doctor(&[]).verdict("mtu"), "fine");
}

#[test]
fn a_peer_without_an_address_is_found() {
    let report = Machine::healthy().doctor(&["--peer", "nobody.invalid"]);
    report.assert_found("peers", "error", "nobody.invalid: ", "its address");
    assert_eq!(report.verdict("peers-udp"), "skipped");
}
