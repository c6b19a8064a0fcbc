#!/usr/bin/env bash
# Says whether everything that deploy.sh has deployed works: each service's tasks, and what each node's way in leads
# to. The ways in look names up where they run, so this shows also whether every node knows every name.
#
#   deploy/scripts/health-check.sh [-s STACK] [-n NAME] [-v]
#
#   -s STACK   the stack's name (default: $STACK, or yard)
#   -n NAME    looks only at this node of the Swarm, by its host name, or at this service (node1, api, redis, …)
#   -v         shows every check, not only those that fail
#   -h         this text
#
# It needs curl, and asks each node at the address that the Swarm knows. Ends with 0: all is well; 1: something is
# not; 2: wrong usage.
set -uo pipefail
# shellcheck source=deploy/scripts/swarm.sh
. "$(dirname "$0")/swarm.sh"

stack=${STACK:-yard} only='' verbose=no
while [ $# -gt 0 ]; do
    case $1 in
        -s | -n) [ $# -gt 1 ] || wrong "$1 needs a value" ;;
    esac
    case $1 in
        -s) stack=$2 && shift ;;
        -n) only=$2 && shift ;;
        -v) verbose=yes ;;
        -h | --help) help && exit 0 ;;
        *) wrong "no such argument: $1" ;;
    esac
    shift
done

command -v curl >/dev/null || fail "there is no curl, by which the nodes are asked" "sudo apt-get install curl"
require_manager

# What is wrong, a line each, and what was looked at.
problems=0 looked=0 tasks=0
ok() { [ $verbose = no ] || say "ok    $1"; }
bad() {
    say "WRONG $1"
    shift
    for line; do say "      $line"; done
    problems=$((problems + 1))
}

# shellcheck disable=SC2046 # an id is a word
services=$(docker service inspect --format "{{.Spec.Name}} {{with .UpdateStatus}}{{.State}}{{else}}-{{end}} {{
    range .Spec.EndpointSpec.Ports}}{{.PublishedPort}}{{end}}" $(services_of "$stack") 2>/dev/null |
    sed "s/^${stack}_//")
[ -n "$services" ] || fail "there is no stack $stack" "deploy/scripts/deploy.sh"
# `HOST STATE AVAILABILITY ADDRESS MANAGER-ADDRESS`
# shellcheck disable=SC2046 # an id is a word
nodes=$(docker node inspect --format '{{.Description.Hostname}} {{.Status.State}} {{.Spec.Availability}} {{
    .Status.Addr}} {{with .ManagerStatus}}{{.Addr}}{{end}}' $(docker node ls --quiet))
is_service() { say "$services" | grep -q "^$1 "; }
is_node() { say "$nodes" | grep -q "^$1 "; }
[ -z "$only" ] || is_service "$only" || is_node "$only" || fail "$only is neither a node nor a service" \
    "nodes: $(say "$nodes" | cut -d ' ' -f 1 | tr '\n' ' ')" \
    "services: $(say "$services" | cut -d ' ' -f 1 | tr '\n' ' ')"

# --- Services: do all tasks run?

# `SERVICE HOST` of each task that does. Docker also counts those that were on a node when it was lost.
running=$(tasks_of "$stack" | awk '$5 == "ready" && $6 == "running" && $7 == "running" { print $2, $4 }')
while read -r service replicas; do
    service=${service#"${stack}"_}
    wanted=${replicas#*/}
    wanted=${wanted%% *}
    count=$(say "$running" | grep -c "^$service ")
    [ -z "$only" ] || [ "$only" = "$service" ] || continue
    looked=$((looked + 1)) tasks=$((tasks + count))
    if [ "$count" -lt "$wanted" ]; then
        bad "$service: $count of $wanted tasks run" \
            "$(docker service ps --no-trunc --filter desired-state=running --format '{{.CurrentState}}{{
                with .Node}} on {{.}}{{end}}{{with .Error}}: {{.}}{{end}}' "${stack}_$service" |
                grep -v '^Running' | head -n 1)" \
            "docker service ps --no-trunc ${stack}_$service; deploy/scripts/logs.sh -a -n $service"
    else
        ok "$service: $count of $wanted tasks run"
    fi
    case $(say "$services" | awk -v service="$service" '$1 == service { print $2 }') in
        paused | rollback_paused)
            bad "$service: its update stopped half-way" "docker service inspect --pretty ${stack}_$service"
            ;;
    esac
done <<<"$(docker service ls --filter "label=com.docker.stack.namespace=$stack" --format '{{.Name}} {{.Replicas}}')"

# --- Nodes: what does each way in lead to?

port=$(say "$services" | awk '$1 == "way-in" { print $3 }')
folder=$(mktemp -d) || fail "cannot make a temporary folder"
trap 'rm -rf "$folder"' EXIT

# `SERVICE PATH`: what answers there.
paths='webui /
api /api/readyz
producer /numbers/readyz
node1 /chat/node1/whoami
node2 /chat/node2/whoami
node3 /chat/node3/whoami'
# Whether the copies are as new as they should be, where deploy/backup.yml takes some.
! is_service backup || paths="$paths
backup /backup/readyz"

# ask URL: prints the answer, and in a line of its own its status, 000 if there is none.
ask() { curl --silent --max-time 8 --write-out '\n%{http_code}\n' "$1"; }

# visit HOST URL: prints `SERVICE STATUS ANSWER` of each path, or of the way in alone if that does not answer.
visit() {
    local service path answer
    answer=$(ask "$2/healthz")
    say "way-in $(say "$answer" | tail -n 1) $(say "$answer" | sed '$d' | tr '\n' ' ')"
    [ "$(say "$answer" | tail -n 1)" = 200 ] || return 0
    while read -r service path; do
        # With -n SERVICE, on other nodes only what leads to it.
        [ -z "$only" ] || [ "$only" = "$1" ] || [ "$only" = "$service" ] || continue
        answer=$(ask "$2$path")
        say "$service $(say "$answer" | tail -n 1) $(say "$answer" | sed '$d' | cut -c 1-200 | tr '\n' ' ')"
    done <<<"$paths"
}

# Where each node is asked; those that are not are not in the list. All are asked at once.
asked='' nodes_looked=0
while read -r host state availability address manager; do
    [ -z "$only" ] || is_service "$only" || [ "$only" = "$host" ] || continue
    nodes_looked=$((nodes_looked + 1))
    if [ "$state" != ready ]; then
        [ -n "$only" ] && [ "$only" != "$host" ] && continue
        bad "$host: the node is $state" \
            "is it switched on, and on the network? If it is gone for good: docker node rm --force $host"
        continue
    fi
    ok "$host: the node is ready"
    # Some versions of Docker do not know a manager's address as that of a node.
    case $address in 0.0.0.0 | 127.*) address=${manager%:*} ;; *:*) address="[$address]" ;; esac
    # In Docker Desktop the one node is in a virtual machine, whose ports are here.
    [ "$(say "$nodes" | wc -l)" -gt 1 ] || [ -n "${DOCKER_HOST:-}" ] || address=localhost
    if [ -z "$port" ] || [ "$availability" = drain ]; then
        ok "$host: it has no way in"
        continue
    fi
    asked="$asked
$host http://${address:-localhost}:$port"
    visit "$host" "http://${address:-localhost}:$port" >"$folder/$host" &
done <<<"$nodes"
wait

# message ANSWER: what the JSON in it says.
message() { say "$1" | sed -n 's/.*"message": *"\([^"]*\)".*/\1/p'; }

# First the nodes that do not answer, since whatever runs there does not either: `HOST` a line.
silent=''
while read -r host url; do
    [ -n "$host" ] || continue
    read -r _ status _ <"$folder/$host"
    if [ "$status" = 200 ]; then
        ok "$host: its way in at $url answers"
    else
        silent="$silent$host
"
        bad "$host: its way in at $url does not answer ($status)" \
            "is the node on the network, does a firewall close the port, does it run there?" \
            "docker service ps ${stack}_way-in"
    fi
done <<<"$asked"

while read -r host url; do
    [ -n "$host" ] || continue
    while read -r service status answer; do
        places=$(say "$running" | sed -n "s/^$service //p")
        case $service:$status in
            way-in:*) ;;
            *:200) ok "$host: its way in leads to $service" ;;
            *:502 | *:504 | *:000)
                if [ -z "$places" ]; then
                    bad "$host: its way in does not reach $service, which runs nowhere"
                elif ! say "$places" | grep -qvxF "${silent:-/}"; then
                    bad "$host: its way in does not reach $service, which runs on $(say "$places" | tr '\n' ' ')only"
                else
                    bad "$host: its way in does not reach $service, which runs on $(say "$places" | sort -u |
                        tr '\n' ' ')" \
                        "after a node was cut off, engines need half a minute to find each other again; later, an" \
                        "engine may have forgotten a name (moby#53141), or a firewall may keep nodes from talking at" \
                        "7946 (TCP and UDP) and 4789 (UDP). This tells the name again:" \
                        "docker service update --force ${stack}_$service"
                fi
                ;;
            *) bad "$host: $service answers with $status: $(message "$answer")" "deploy/scripts/logs.sh -n $service" ;;
        esac
    done <"$folder/$host"
done <<<"$asked"

if [ $problems -gt 0 ]; then
    say "$name: what is wrong: $problems"
    exit 1
fi
say "all is well: $looked services, $tasks tasks, $nodes_looked nodes"
