//! The Swarm that this machine is in.

use crate::doctor::check::Category::Swarm;
use crate::doctor::check::{Check, Finding, Outcome};
use crate::doctor::facts::Facts;
use crate::doctor::source::peer::{Answer, Peer, Ports};

pub(super) const CHECKS: &[Check<Facts>] = &[
    Check {
        id: "swarm",
        category: Swarm,
        needs: &["engine"],
        looks_at: "the state of the Swarm, in docker info",
        anchor: "the-swarm-does-not-have-a-leader",
        look: state,
    },
    Check {
        id: "managers",
        category: Swarm,
        needs: &["swarm"],
        looks_at: "how many managers the Swarm has",
        anchor: "an-even-number-of-managers",
        look: managers,
    },
    Check {
        id: "peers",
        category: Swarm,
        needs: &[],
        looks_at: "2377/tcp, 7946/tcp and 7946/udp of each --peer",
        anchor: "nodes-do-not-join-or-reach-each-other-only-sometimes",
        look: peers,
    },
    Check {
        id: "peers-udp",
        category: Swarm,
        needs: &["peers"],
        looks_at: "4789/udp and 7946/udp of each --peer",
        anchor: "nodes-do-not-join-or-reach-each-other-only-sometimes",
        look: peers_udp,
    },
];

fn state(facts: &Facts) -> Outcome {
    let Some(swarm) = &facts.docker.engine()?.swarm else { return Ok(Vec::new()) };
    let state = swarm.local_node_state.as_str();
    if matches!(state, "active" | "inactive" | "") && swarm.error.is_empty() {
        return Ok(Vec::new());
    }
    let effect = "what runs goes on, but nothing can be changed, and what is lost is not replaced";
    if state == "locked" {
        return Ok(vec![Finding::error("the Swarm is locked on this machine", effect, "docker swarm unlock")]);
    }
    let why = if swarm.error.is_empty() { state } else { &swarm.error };
    let mend = "start the lost managers again; if they are gone for good: \
                docker swarm init --force-new-cluster --advertise-addr ADDRESS";
    Ok(vec![Finding::error(format!("the Swarm does not work: {why}"), effect, mend)])
}

fn managers(facts: &Facts) -> Outcome {
    let swarm = facts.docker.engine()?.swarm.as_ref();
    let Some(swarm) = swarm.filter(|swarm| swarm.local_node_state == "active") else { return Ok(Vec::new()) };
    if !swarm.control_available {
        return Err("a worker does not know: run it on a manager".to_owned());
    }
    let managers = facts.docker.nodes.as_ref()?.iter().filter(|node| node.spec.role == "manager").count();
    if managers % 2 == 1 {
        return Ok(Vec::new());
    }
    let found = format!("the Swarm has {managers} managers");
    let effect = format!("it bears the loss of {}, as with one fewer, and there is one more to lose", managers / 2 - 1);
    Ok(vec![Finding::warning(found, effect, "docker node promote NODE   # or demote one")])
}

#[allow(clippy::unnecessary_wraps, reason = "all checks are of one kind")]
fn peers(facts: &Facts) -> Outcome {
    Ok(facts.peers.iter().filter_map(peer).collect())
}

/// What is wrong with a peer: the first cause.
fn peer(Peer { name, ports }: &Peer) -> Option<Finding> {
    let apart = "this machine and that one cannot be in one Swarm";
    let Ports { management, gossip, gossip_udp } = match ports {
        Ok(ports) => ports,
        Err(why) => return Some(Finding::error(format!("{name}: {why}"), apart, "its address in place of its name")),
    };
    let open = format!("sudo ufw allow 2377/tcp && sudo ufw allow 7946 && sudo ufw allow 4789/udp   # on {name}");
    match (management, gossip, gossip_udp) {
        (_, Answer::Unreachable(why), _) => {
            Some(Finding::error(format!("{name} cannot be reached: {why}"), apart, format!("ping {name}")))
        }
        (_, Answer::Silent, _) => {
            let found =
                format!("7946/tcp of {name} does not answer: a firewall is between, or there is no such machine");
            Some(Finding::error(found, apart, open))
        }
        (Answer::Refused, Answer::Refused, _) => Some(Finding::warning(
            format!("{name} is there, and nobody listens at 2377/tcp and 7946/tcp"),
            "it is in no Swarm yet; or a firewall of it refuses",
            format!("docker swarm join-token worker   # and on {name} what it prints"),
        )),
        (_, Answer::Refused, _) => Some(Finding::error(format!("{name} refuses 7946/tcp"), apart, open)),
        (Answer::Silent | Answer::Unreachable(_), _, _) => Some(Finding::warning(
            format!("2377/tcp of {name} does not answer, and 7946/tcp does"),
            "if it is a manager, nobody can join through it",
            open,
        )),
        (_, Answer::Open, Answer::Refused) => {
            let found = format!("{name} refuses 7946/udp, and takes 7946/tcp");
            Some(Finding::error(found, "nodes take each other for lost, and names are not found", open))
        }
        // A worker refuses 2377.
        (Answer::Open | Answer::Refused, Answer::Open, _) => None,
    }
}

fn peers_udp(facts: &Facts) -> Outcome {
    if facts.peers.is_empty() {
        return Ok(Vec::new());
    }
    Err("4789/udp was not tried, and 7946/udp did not refuse: both answer nothing to a stranger, open or not"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Answer::{Open, Refused, Silent, Unreachable};

    fn found(management: Answer, gossip: Answer, gossip_udp: Answer) -> Option<String> {
        let ports = Ok(Ports { management, gossip, gossip_udp });
        peer(&Peer { name: "pi2".to_owned(), ports }).map(|finding| finding.found)
    }

    #[test]
    fn of_a_peer_the_first_cause_is_found() {
        assert_eq!(found(Open, Open, Silent), None);
        assert_eq!(found(Refused, Open, Silent), None, "a worker");
        let gone = Unreachable("no route to host".to_owned());
        for (answers, expected) in [
            ((Silent, Silent, Silent), "7946/tcp of pi2 does not answer"),
            ((gone.clone(), gone.clone(), gone), "pi2 cannot be reached: no route to host"),
            ((Refused, Refused, Refused), "pi2 is there, and nobody listens"),
            ((Open, Refused, Refused), "pi2 refuses 7946/tcp"),
            ((Silent, Open, Silent), "2377/tcp of pi2 does not answer, and 7946/tcp does"),
            ((Open, Open, Refused), "pi2 refuses 7946/udp"),
        ] {
            let (management, gossip, gossip_udp) = answers;
            let found = found(management, gossip, gossip_udp).unwrap();
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
