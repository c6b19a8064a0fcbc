#!/usr/bin/env bash
# Shows what the services print, as SERVICE.NUMBER@NODE | LINE. It asks for each task by itself, and so works while a
# node is lost, when `docker service logs` fails (moby#33183).
#
#   deploy/scripts/logs.sh [-s STACK] [-n SERVICE] [-f] [-t LINES] [-a]
#
#   -s STACK     the stack's name (default: $STACK, or yard)
#   -n SERVICE   only this service (node1, api, redis, …)
#   -f           goes on, with tasks that start in the meantime as well, until Ctrl-C
#   -t LINES     of each task at most this many of its last lines (default: 100); all shows all
#   -a           also the tasks that have ended, as far as their nodes still have them
#   -h           this text
#
# Ends with 0, also when a node's lines are missing, which is said on stderr; 1: nothing to show; 2: wrong usage.
set -uo pipefail
# shellcheck source=deploy/scripts/swarm.sh
. "$(dirname "$0")/swarm.sh"

stack=${STACK:-yard} only='' follow=no lines=100 ended=no
while [ $# -gt 0 ]; do
    case $1 in
        -s | -n | -t) [ $# -gt 1 ] || wrong "$1 needs a value" ;;
    esac
    case $1 in
        -s) stack=$2 && shift ;;
        -n) only=$2 && shift ;;
        -t) lines=$2 && shift ;;
        -f) follow=yes ;;
        -a) ended=yes ;;
        -h | --help) help && exit 0 ;;
        *) wrong "no such argument: $1" ;;
    esac
    shift
done
case $lines in all) ;; '' | *[!0-9]*) wrong "-t is a number of lines or all, not $lines" ;; esac
require_manager

# `TASK NAME NODE STATE` of each task that has, or had, a container; STATE is its node's. What runs on a lost node is
# replaced, and yet its lines are missing.
list() {
    tasks_of "$stack" | awk -v only="$only" -v ended=$ended '
        only == "" || only == $2 {
            runs = $6 ~ /^(running|starting)$/ && ($7 == "running" || $5 != "ready")
            if (runs || (ended == "yes" && $6 !~ /^(new|pending|assigned|accepted|preparing|ready)$/))
                print $1, $2 ($3 > 0 ? "." $3 : "") "@" $4, $4, $5
        }' | sort -k 2
}

names=$(docker service ls --filter "label=com.docker.stack.namespace=$stack" --format '{{.Name}}' |
    sed "s/^${stack}_//")
[ -n "$names" ] || fail "there is no stack $stack" "deploy/scripts/deploy.sh"
[ -z "$only" ] || say "$names" | grep -qxF "$only" ||
    fail "$only is no service of $stack" "there are $(say "$names" | tr '\n' ' ')"

# Puts the task's name before each line, as it comes.
prefix() { while IFS= read -r line || [ -n "$line" ]; do printf '%s | %s\n' "$1" "$line"; done; }

if [ $follow = no ]; then
    tasks=$(list)
    [ -n "$tasks" ] || fail "no task of ${only:-$stack} has a container" "docker stack ps --no-trunc $stack"
    while read -r task label node state; do
        if [ "$state" != ready ]; then
            say "$name: without $label: the node $node is $state" >&2
            continue
        fi
        within 20 docker service logs --raw --tail "$lines" "$task" 2>&1 < /dev/null | prefix "$label"
        [ "${PIPESTATUS[0]}" = 0 ] || say "$name: $label: not all lines came: $node may just have been lost" >&2
    done <<<"$tasks"
    exit 0
fi

pids='' known=' '
trap 'kill $pids 2>/dev/null; exit 0' INT TERM
while :; do
    while read -r task label node state; do
        case $known in *" $task "*) continue ;; esac
        [ -n "$task" ] || continue
        if [ "$state" != ready ]; then
            # Said once; asked for when the node is back.
            case $known in *" !$task "*) continue ;; esac
            known="$known!$task "
            say "$name: without $label: the node $node is $state" >&2
            continue
        fi
        known="$known$task "
        docker service logs --raw --follow --tail "$lines" "$task" > >(prefix "$label") 2>&1 </dev/null &
        pids="$pids $!"
    done <<<"$(list)"
    # A signal ends `wait` at once.
    sleep 2 &
    wait $!
done
