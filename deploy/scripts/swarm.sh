# shellcheck shell=bash disable=SC2034
# What the scripts beside this one share; they read it with `.`. In the language of bash 3.2, which is
# what macOS has, and of the awk and sed of BSD.

name=$(basename "$0")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tab=$(printf '\t')

# Whoever reads a pipe's end gets all of it, and a line that is printed is printed now.
say() { printf '%s\n' "$*"; }

# fail LINE...: ends with 1. The first line says what is wrong, the others what to do.
fail() {
    say "$name: $1" >&2
    shift
    for line; do say "  $line" >&2; done
    exit 1
}

# wrong MESSAGE: ends with 2.
wrong() {
    say "$name: $1; see $name --help" >&2
    exit 2
}

# The comment at the head of the script that was started.
help() { sed -n '2,/^set /p' "$0" | sed -n 's/^# \{0,1\}//p'; }

# within SECONDS COMMAND...: what takes longer is ended. Neither macOS nor every Pi has `timeout`.
within() {
    local limit=$1 status=0 command timer
    shift
    "$@" &
    command=$!
    (sleep "$limit" && kill "$command") >/dev/null 2>&1 &
    timer=$!
    wait "$command" 2>/dev/null || status=$?
    kill "$timer" 2>/dev/null
    wait "$timer" 2>/dev/null
    return $status
}

# Ends unless Docker answers and this node is a manager.
require_manager() {
    local manages why
    command -v docker >/dev/null || fail "there is no docker command" "https://docs.docker.com/engine/install"
    why=$(docker version --format '{{.Server.Version}}' 2>&1 >/dev/null) ||
        fail "Docker does not answer: $(say "$why" | tail -n 1)" \
            "is it started (sudo systemctl start docker), and may you use it (sudo usermod -aG docker \$USER)?"
    manages=$(docker info --format '{{.Swarm.ControlAvailable}}' 2>/dev/null)
    [ "$manages" = true ] || fail "this node manages no Swarm" \
        "docker swarm init     makes one; on a worker, go to a manager or set DOCKER_HOST=ssh://USER@MANAGER"
    docker node ls --quiet >/dev/null 2>&1 || fail "the Swarm has no leader: most of its managers have to be there" \
        "start the lost ones; if they are gone for good, on this one: docker swarm init --force-new-cluster"
}

# What belongs to the stack: ids of its services.
services_of() { docker service ls --quiet --filter "label=com.docker.stack.namespace=$1"; }

# `TASK SERVICE SLOT HOST HOST-STATE STATE WANTED-STATE` of each of the stack's tasks that was given to a node. SERVICE
# is without the stack's name, SLOT is 0 in a service that has one task a node.
# shellcheck disable=SC2046 # an id is a word
tasks_of() {
    {
        docker node inspect --format 'N {{.ID}} {{.Description.Hostname}} {{.Status.State}}' $(docker node ls --quiet)
        docker service inspect --format 'S {{.ID}} {{.Spec.Name}}' $(services_of "$1")
        docker inspect --type task --format 'T {{.ID}} {{.ServiceID}} {{.Slot}} {{.NodeID}} {{.Status.State}} {{
            .DesiredState}}' $(docker stack ps --quiet --no-trunc "$1")
    } 2>/dev/null | awk -v stack="$1" '
        $1 == "N" { host[$2] = $3; state[$2] = $4 }
        $1 == "S" { service[$2] = substr($3, length(stack) + 2) }
        # One that waits for a node has none, and so a word less; and a node may be removed.
        $1 == "T" && NF == 7 && $5 in host { print $2, service[$3], $4, host[$5], state[$5], $6, $7 }'
}
