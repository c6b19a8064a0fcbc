//! Docker itself, and what it is made of.

use crate::doctor::check::Category::{Engine, Files, Registry};
use crate::doctor::check::{Check, Finding, Outcome};
use crate::doctor::facts::Facts;
use crate::doctor::source::docker::Plugin;
use crate::doctor::source::program::Silence;

pub(super) const CHECKS: &[Check<Facts>] = &[
    Check {
        id: "docker",
        category: Engine,
        needs: &[],
        looks_at: "whether there is a command docker",
        anchor: "there-is-no-docker",
        look: command,
    },
    Check {
        id: "client-version",
        category: Engine,
        needs: &["docker"],
        looks_at: "docker --version",
        anchor: "compose-says-version-property-or-flag",
        look: client_version,
    },
    Check {
        id: "engine",
        category: Engine,
        needs: &["docker"],
        looks_at: "whether an engine answers docker info",
        anchor: "no-engine-answers",
        look: engine,
    },
    Check {
        id: "engine-version",
        category: Engine,
        needs: &["engine"],
        looks_at: "the engine's version",
        anchor: "compose-says-version-property-or-flag",
        look: engine_version,
    },
    Check {
        id: "lost-names",
        category: Engine,
        needs: &["engine", "engine-version"],
        looks_at: "whether the engine's version loses names (moby#53141)",
        anchor: "one-machine-does-not-know-a-name",
        look: lost_names,
    },
    Check {
        id: "image-store",
        category: Engine,
        needs: &["engine"],
        looks_at: "whether the engine keeps images in containerd's store",
        anchor: "images-of-several-platforms-are-refused",
        look: image_store,
    },
    Check {
        id: "buildx",
        category: Engine,
        needs: &["docker"],
        looks_at: "whether there is docker buildx",
        anchor: "buildx-or-compose-is-missing",
        look: buildx,
    },
    Check {
        id: "compose",
        category: Files,
        needs: &["docker"],
        looks_at: "whether there is docker compose, and its version",
        anchor: "buildx-or-compose-is-missing",
        look: compose,
    },
    Check {
        id: "disk",
        category: Engine,
        needs: &["engine"],
        looks_at: "the room on the engine's disk",
        anchor: "the-disk-of-a-pi-is-full",
        look: disk,
    },
    Check {
        id: "pulls",
        category: Registry,
        needs: &[],
        looks_at: "how many pulls Docker Hub allows from here, without a login",
        anchor: "docker-hub-says-toomanyrequests",
        look: pulls,
    },
];

/// The oldest Docker for which the files are made, and one in which even less of them works.
const OLDEST: u32 = 25;
const MUCH_TOO_OLD: u32 = 23;

/// The first version that has what is in `docker-production.yml`; it came with Docker 25.
const OLDEST_COMPOSE: (u32, u32) = (2, 24);

/// Versions that may lose names, from and before: 29.0 to 29.6 do, of 29.7 it is not known, 29.8 does not.
const LOSES_NAMES: ((u32, u32), (u32, u32)) = ((29, 0), (29, 8));

/// Least room, in bytes: a build of all images takes about as much.
const ROOM: u64 = 4 << 30;

/// Fewest pulls: all images that are not built here are fewer, and one for each of some machines behind one address.
const PULLS: u32 = 10;

const MAC: bool = cfg!(target_os = "macos");

const INSTALL: &str = if MAC { "brew install --cask docker" } else { "curl -fsSL https://get.docker.com | sudo sh" };

const START: &str = if MAC { "open -a Docker" } else { "sudo systemctl enable --now docker" };

const RESTART: &str =
    if MAC { "osascript -e 'quit app \"Docker\"' && open -a Docker" } else { "sudo systemctl restart docker" };

const UPGRADE: &str = if MAC {
    "brew upgrade --cask docker"
} else {
    "sudo apt-get update && sudo apt-get install docker-ce docker-ce-cli"
};

/// The two first numbers of what a program says of itself.
fn version(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|sign: char| sign.is_ascii_digit())?;
    let mut numbers = text[start..].split(|sign: char| !sign.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn understood(text: &str) -> Result<(u32, u32), String> {
    version(text).ok_or_else(|| format!("{text:?} has no version"))
}

fn command(facts: &Facts) -> Outcome {
    match &facts.docker.client {
        Err(Silence::Missing(_)) if facts.machine.is_container() => {
            Err("this is a container, and Docker is outside of it".to_owned())
        }
        Err(silence @ Silence::Missing(_)) => {
            let effect = "nothing of Compose or a Swarm runs here; `swarmyard up` does, without Docker";
            Ok(vec![Finding::error(silence.to_string(), effect, INSTALL)])
        }
        _ => Ok(Vec::new()),
    }
}

fn client_version(facts: &Facts) -> Outcome {
    let client = facts.docker.client.as_ref()?;
    let effect = match understood(client)?.0 {
        ..MUCH_TOO_OLD => "`docker stack deploy` says: unsupported Compose file version: 1.0",
        MUCH_TOO_OLD..OLDEST => "`docker stack deploy` says: Additional property start_interval is not allowed",
        _ => return Ok(Vec::new()),
    };
    Ok(vec![Finding::error(format!("{client}, and {OLDEST} or later is needed"), effect, INSTALL)])
}

fn engine(facts: &Facts) -> Outcome {
    let said = match &facts.docker.info {
        Ok(_) if facts.docker.engine().is_ok() => return Ok(Vec::new()),
        Ok(info) => info.server_errors.iter().flatten().next().cloned().unwrap_or_default(),
        Err(silence @ Silence::Late(..)) => {
            let effect = "whatever asks it waits: Compose, `docker stack deploy`, a build";
            return Ok(vec![Finding::error(silence.to_string(), effect, RESTART)]);
        }
        Err(silence) => silence.to_string(),
    };
    let is_old = facts.docker.client.as_ref().is_ok_and(|text| version(text).is_some_and(|found| found.0 < OLDEST));
    if said.contains("is too old") && is_old {
        return Err("the client is too old to ask it".to_owned());
    }
    let mend = if said.contains("permission denied") {
        "sudo usermod -aG docker \"$USER\" && newgrp docker"
    } else if said.contains("is too old") {
        UPGRADE
    } else {
        START
    };
    Ok(vec![Finding::error(format!("no engine answers: {said}"), "nothing of Compose or a Swarm runs here", mend)])
}

fn engine_version(facts: &Facts) -> Outcome {
    let found = facts.docker.engine()?.server_version.clone().unwrap_or_default();
    let effect = match understood(&found)?.0 {
        ..MUCH_TOO_OLD => "a build says: unknown instruction: SET; and services are checked seldom while they start",
        MUCH_TOO_OLD..OLDEST => "a build says: unknown flag: start-interval",
        _ => return Ok(Vec::new()),
    };
    Ok(vec![Finding::error(format!("the engine is {found}, and {OLDEST} or later is needed"), effect, INSTALL)])
}

fn lost_names(facts: &Facts) -> Outcome {
    let found = facts.docker.engine()?.server_version.clone().unwrap_or_default();
    let (first, first_without) = LOSES_NAMES;
    if !(first..first_without).contains(&understood(&found)?) {
        return Ok(Vec::new());
    }
    let effect = "a machine of the Swarm that was cut off for half a minute may not know services by their names any \
                  more: 29.0 to 29.6 do that, of 29.7 it is not known, 29.8 does not";
    Ok(vec![Finding::warning(format!("the engine is {found}"), effect, UPGRADE)])
}

fn image_store(facts: &Facts) -> Outcome {
    let info = facts.docker.engine()?;
    let is_containerd = |(_, value): &(String, String)| value.starts_with("io.containerd.snapshotter");
    if info.driver_status.iter().flatten().any(is_containerd) {
        return Ok(Vec::new());
    }
    let setting = "{\"features\": {\"containerd-snapshotter\": true}}";
    let mend = if MAC {
        "Docker Desktop > Settings > General > Use containerd for pulling and storing images".to_owned()
    } else if facts.machine.has("etc/docker/daemon.json") {
        format!("in /etc/docker/daemon.json: {setting}")
    } else {
        format!("echo '{setting}' | sudo tee /etc/docker/daemon.json && {RESTART}")
    };
    let effect = "`docker buildx bake` fails: it has images of three platforms under one name, which this store cannot \
                  keep";
    Ok(vec![Finding::warning("the engine keeps images in its own store", effect, mend)])
}

fn plugin<'a>(facts: &'a Facts, name: &str) -> Result<Option<&'a Plugin>, String> {
    let info = facts.docker.info.as_ref()?;
    Ok(info.client.plugins.iter().flatten().find(|plugin| plugin.name == name))
}

fn buildx(facts: &Facts) -> Outcome {
    if plugin(facts, "buildx")?.is_some() {
        return Ok(Vec::new());
    }
    let effect = "nothing can be built: Compose says that it requires buildx, and docker that bake is no command";
    let mend = if MAC { INSTALL } else { "sudo apt-get install docker-buildx-plugin" };
    Ok(vec![Finding::error("there is no docker buildx", effect, mend)])
}

fn compose(facts: &Facts) -> Outcome {
    let mend = if MAC { INSTALL } else { "sudo apt-get install docker-compose-plugin" };
    let Some(plugin) = plugin(facts, "compose")? else {
        let (found, effect) = match &facts.docker.old_compose {
            Ok(old) => (
                format!("there is no docker compose, only {}", old.lines().next().unwrap_or_default()),
                "`docker compose up` says that compose is no command; docker-compose of version 1 ended in 2023, and \
                 does not understand these files",
            ),
            Err(_) => ("there is no docker compose".to_owned(), "`docker compose up` says that compose is no command"),
        };
        return Ok(vec![Finding::error(found, effect, mend)]);
    };
    if understood(&plugin.version)? >= OLDEST_COMPOSE {
        return Ok(Vec::new());
    }
    let (major, minor) = OLDEST_COMPOSE;
    let found = format!("Compose is {}, and {major}.{minor} or later is needed", plugin.version);
    let effect = "it refuses start_interval in docker-compose.yml, or !reset in docker-production.yml";
    Ok(vec![Finding::error(found, effect, mend)])
}

fn disk(facts: &Facts) -> Outcome {
    let root = facts.docker.engine()?.docker_root_dir.clone().unwrap_or_default();
    let free = facts.machine.free(&root)?;
    if free >= ROOM {
        return Ok(Vec::new());
    }
    let found = format!("{root} has {:.1} GB left", bytes_to_gb(free));
    let effect = "builds and pulls end with: no space left on device; then Redis and the chat cannot write either";
    Ok(vec![Finding::warning(found, effect, "docker system prune --all")])
}

fn bytes_to_gb(bytes: u64) -> f64 {
    // For one digit behind the point.
    #[allow(clippy::cast_precision_loss)]
    let bytes = bytes as f64;
    bytes / 1e9
}

fn pulls(facts: &Facts) -> Outcome {
    let mirrors = facts.docker.engine().ok().and_then(|info| info.registry_config.as_ref()?.mirrors.as_ref());
    if mirrors.is_some_and(|mirrors| !mirrors.is_empty()) {
        return Ok(Vec::new());
    }
    let Some(left) = facts.hub.as_ref()?.remaining.filter(|left| *left < PULLS) else { return Ok(Vec::new()) };
    let found = format!("{left} pulls are left for this address, which others may share");
    let effect = "Docker Hub then refuses for up to six hours: toomanyrequests";
    Ok(vec![Finding::warning(found, effect, "docker login")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_programs_say_of_themselves() {
        for (text, expected) in [
            ("Docker version 28.5.2, build ecc6942", Some((28, 5))),
            ("20.10.24+dfsg1", Some((20, 10))),
            ("v2.40.3", Some((2, 40))),
            ("dev", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }
}
