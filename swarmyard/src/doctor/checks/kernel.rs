//! The kernel, and the processor.

use crate::doctor::check::Category::{Architecture, Kernel, Memory};
use crate::doctor::check::{Check, Finding, Outcome};
use crate::doctor::facts::Facts;
use crate::doctor::source::machine::Machine;

pub(super) const CHECKS: &[Check<Facts>] = &[
    Check {
        id: "architecture",
        category: Architecture,
        needs: &[],
        looks_at: "the processor, in /proc/cpuinfo and docker info",
        anchor: "exec-format-error",
        look: architecture,
    },
    Check {
        id: "memory-limits",
        category: Memory,
        needs: &[],
        looks_at: "whether the kernel counts a container's memory: cgroups, and docker info",
        anchor: "a-machines-memory-is-full-and-a-limit-had-no-effect",
        look: memory_limits,
    },
    Check {
        id: "cgroup-version",
        category: Kernel,
        needs: &["engine"],
        looks_at: "the version of the kernel's control groups",
        anchor: "docker-says-that-cgroup-v1-is-deprecated",
        look: cgroup_version,
    },
    Check {
        id: "modules",
        category: Kernel,
        needs: &[],
        looks_at: "whether the modules of the kernel that runs are there",
        anchor: "a-kernel-module-is-missing",
        look: modules,
    },
    Check {
        id: "ip_vs",
        category: Kernel,
        needs: &["modules"],
        looks_at: "the kernel module ip_vs",
        anchor: "a-kernel-module-is-missing",
        look: ip_vs,
    },
    Check {
        id: "vxlan",
        category: Kernel,
        needs: &["modules"],
        looks_at: "the kernel module vxlan",
        anchor: "a-kernel-module-is-missing",
        look: vxlan,
    },
    Check {
        id: "br_netfilter",
        category: Kernel,
        needs: &["modules"],
        looks_at: "the kernel module br_netfilter",
        anchor: "a-kernel-module-is-missing",
        look: br_netfilter,
    },
    Check {
        id: "open-files",
        category: Kernel,
        needs: &[],
        looks_at: "how many files a program may open, in /proc/self/limits",
        anchor: "too-many-open-files",
        look: open_files,
    },
];

/// What `uname -m` says where there is an image for it, and Docker's other names.
const ARCHITECTURES: [&str; 6] = ["x86_64", "amd64", "aarch64", "arm64", "armv7l", "armv8l"];

/// A program that may open no more files than this is out of them soon: each connection is one.
const FEW_FILES: u64 = 1024;

fn architecture(facts: &Facts) -> Outcome {
    let cpu = facts.machine.read("proc/cpuinfo");
    let engine = facts.docker.engine().ok().and_then(|info| info.architecture.clone());
    // The "CPU architecture" of a Pi 1 is 7 in there; its model tells the truth.
    let is_armv6 = |line: &str| line.starts_with("model name") && line.contains("ARMv6");
    let found = match (&cpu, engine) {
        (Ok(text), _) if text.lines().any(is_armv6) => "armv6l".to_owned(),
        (_, Some(engine)) => engine,
        (Ok(_), None) => return Ok(Vec::new()),
        (Err(why), None) => return Err(why.clone()),
    };
    if ARCHITECTURES.contains(&found.as_str()) {
        return Ok(Vec::new());
    }
    let name = if found.starts_with("armv6") { "ARMv6, as of a Pi 1 or Zero" } else { found.as_str() };
    let effect = "no image runs here: exec format error, or illegal instruction; they are for amd64, arm64 and arm/v7";
    let mend = "docker node update --availability drain NODE   # on a manager, if it is in a Swarm";
    Ok(vec![Finding::error(format!("the processor is {name}"), effect, mend)])
}

/// Whether the kernel counts memory, if its files tell.
fn counts_memory(machine: &Machine) -> Option<bool> {
    if let Ok(controllers) = machine.read("sys/fs/cgroup/cgroup.controllers") {
        return Some(controllers.split_whitespace().any(|name| name == "memory"));
    }
    let groups = machine.read("proc/cgroups").ok()?;
    let line = groups.lines().find(|line| line.split_whitespace().next() == Some("memory"))?;
    Some(line.split_whitespace().last() == Some("1"))
}

fn memory_limits(facts: &Facts) -> Outcome {
    let kernel = counts_memory(&facts.machine);
    let engine = facts.docker.engine().ok().and_then(|info| info.memory_limit);
    if kernel.or(engine).is_none() {
        return Err("neither the kernel nor an engine tells".to_owned());
    }
    if kernel != Some(false) && engine != Some(false) {
        return Ok(Vec::new());
    }
    let file = ["boot/firmware/cmdline.txt", "boot/cmdline.txt"].into_iter().find(|file| facts.machine.has(file));
    let line = file.and_then(|file| facts.machine.read(file).ok()).unwrap_or_default();
    let mend = match file {
        // It is there already.
        Some(_) if line.contains("cgroup_enable=memory") => "sudo reboot".to_owned(),
        Some(file) => format!("sudo sed -i '1 s/$/ cgroup_enable=memory/' /{file} && sudo reboot"),
        None => "cgroup_enable=memory in GRUB_CMDLINE_LINUX of /etc/default/grub, and \
                 sudo update-grub && sudo reboot"
            .to_owned(),
    };
    let effect = "limits of memory have no effect, and nothing says so: one program that goes wild takes the whole \
                  machine";
    Ok(vec![Finding::warning("the kernel does not count a container's memory", effect, mend)])
}

fn cgroup_version(facts: &Facts) -> Outcome {
    if facts.docker.engine()?.cgroup_version.as_deref() != Some("1") {
        return Ok(Vec::new());
    }
    let effect = "it works, but Docker gives up cgroup v1 (until May 2029), and systemd has done so";
    let mend = "systemd.unified_cgroup_hierarchy=1 on the kernel's command line, and sudo reboot";
    Ok(vec![Finding::warning("the engine uses cgroup v1", effect, mend)])
}

fn modules(facts: &Facts) -> Outcome {
    let running = facts.machine.kernel()?;
    let installed = facts.machine.names("lib/modules");
    if installed.is_empty() || installed.contains(&running) {
        return Ok(Vec::new());
    }
    let found = format!("the kernel that runs is {running}, and there are modules of {} only", installed.join(", "));
    let effect = "what is not loaded yet cannot be: networks of a Swarm fail with: operation not supported. It is so \
                  after an upgrade";
    Ok(vec![Finding::error(found, effect, "sudo reboot")])
}

/// Whether the kernel has a module, in itself, loaded, or to be loaded. `trace` is a file that is there with it.
fn has_module(machine: &Machine, name: &str, trace: &str) -> Result<bool, String> {
    let running = machine.kernel()?;
    if machine.has(&format!("sys/module/{name}")) || machine.has(trace) {
        return Ok(true);
    }
    let lists = ["modules.builtin", "modules.dep"].map(|list| machine.read(&format!("lib/modules/{running}/{list}")));
    if lists.iter().all(Result::is_err) {
        return Err(format!("the kernel does not tell whether it has {name}"));
    }
    let file = format!("/{name}.ko");
    Ok(lists.iter().flatten().any(|list| list.contains(&file)))
}

fn ip_vs(facts: &Facts) -> Outcome {
    let effect = "a service's one address, and its port on every node, lead nowhere: connections hang";
    needed(facts, "ip_vs", "proc/net/ip_vs", |found, mend| Finding::error(found, effect, mend))
}

fn vxlan(facts: &Facts) -> Outcome {
    let effect = "no network of a Swarm works here: tasks are rejected, operation not supported";
    needed(facts, "vxlan", "sys/module/vxlan", |found, mend| Finding::error(found, effect, mend))
}

fn br_netfilter(facts: &Facts) -> Outcome {
    let effect = "docker info warns that bridge-nf-call-iptables is disabled: Docker's rules do not hold among the \
                  containers of one network";
    needed(facts, "br_netfilter", "proc/sys/net/bridge", |found, mend| Finding::warning(found, effect, mend))
}

fn needed(facts: &Facts, name: &str, trace: &str, finding: impl Fn(String, String) -> Finding) -> Outcome {
    if has_module(&facts.machine, name, trace)? {
        return Ok(Vec::new());
    }
    let running = facts.machine.kernel()?;
    let system = facts.machine.read("etc/os-release").unwrap_or_default();
    let mend = if system.lines().any(|line| line == "ID=ubuntu") {
        // It has them in a package of their own.
        let kernel = if running.ends_with("-raspi") { "raspi" } else { &running };
        format!("sudo apt-get install linux-modules-extra-{kernel}")
    } else {
        format!("CONFIG_{}=m, in a kernel that has it: that of the distribution", name.to_uppercase())
    };
    Ok(vec![finding(format!("the kernel {running} has no {name}"), mend)])
}

fn open_files(facts: &Facts) -> Outcome {
    let limits = facts.machine.read("proc/self/limits")?;
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    let soft = soft.ok_or("/proc/self/limits does not tell")?;
    if soft.parse().map_or(true, |soft: u64| soft > FEW_FILES) {
        return Ok(Vec::new());
    }
    let effect =
        "each connection is a file: a program that does not ask for more, as ours do, says: too many open files";
    Ok(vec![Finding::warning(format!("a program here may open {soft} files"), effect, "ulimit -n 65536")])
}
