#!/usr/bin/env bash
# Brings the ledger, or the journal of a node of the chat, back from a copy: one that deploy/backup.yml has taken, or a
# file.
#
#   deploy/scripts/restore.sh [-s STACK] [-n NAME] [-f] [COPY]
#   deploy/scripts/restore.sh [-s STACK] -l
#
#   COPY       a copy's name, as -l shows it, or a file, with a / in its name (./ledger.rdb); without it, of all copies
#              that the machines with the label backup=yes have, the ledger's with the most coins, a node's newest
#   -n NAME    what it is a copy of: ledger (the default), node1, node2 or node3
#   -l         lists those copies, each with the backup that has it, and does nothing else
#   -f         also when the ledger has more coins than the copy, which it loses
#   -s STACK   the stack's name (default: $STACK, or yard)
#   -h         this text
#
# The copy is restored as a trial first, on the machine where it belongs. One that is not whole, that has changed since
# it was taken, that does not add up or is of something else is refused with the reason, and all goes on as before. Then
# Redis, or the node, starts anew with it; what the volume had is kept there as /data/replaced (chat.redb.replaced),
# until the next time. On a cluster that has nothing yet, run deploy.sh before.
#
# Ends with 0: done; 1: refused, or there is no such copy: nothing has changed; 2: wrong usage; 3: what was started anew
# has not come back in RESTORE_TIMEOUT seconds (default: 120).
set -uo pipefail
# shellcheck source=deploy/scripts/swarm.sh
. "$(dirname "$0")/swarm.sh"

# What Docker hands over as a config, in bytes: more than a ledger has, which keeps a thousand miners and coins.
CONFIG_BYTES_MAX=1024000

stack=${STACK:-yard} of=ledger copy='' force='' list=no
while [ $# -gt 0 ]; do
    case $1 in
        -s | -n) [ $# -gt 1 ] || wrong "$1 needs a value" ;;
    esac
    case $1 in
        -s) stack=$2 && shift ;;
        -n) of=$2 && shift ;;
        -f) force=--force ;;
        -l) list=yes ;;
        -h | --help) help && exit 0 ;;
        -*) wrong "no such argument: $1" ;;
        *) [ -z "$copy" ] || wrong "one copy at a time, not $copy and $1" && copy=$1 ;;
    esac
    shift
done
timeout=${RESTORE_TIMEOUT:-120}
case $timeout in '' | *[!0-9]*) wrong "RESTORE_TIMEOUT is a number of seconds, not $timeout" ;; esac
[ $list = no ] || [ -z "$copy$force" ] || wrong "-l takes neither a copy nor -f"
case $copy in
    */*)
        [ -r "$copy" ] || fail "there is no file $copy"
        bytes=$(wc -c <"$copy" | tr -d ' ')
        [ "$bytes" -le $CONFIG_BYTES_MAX ] ||
            fail "$copy has $bytes bytes, and Docker hands over $CONFIG_BYTES_MAX at most: a ledger has less" \
                "a large journal: docker cp it to /data/restore.redb of its node, and start that anew"
        ;;
esac
require_manager

# spec SERVICE TEMPLATE: what Docker knows of a service of the stack.
spec() { docker service inspect --format "{{with .Spec.TaskTemplate}}$2{{end}}" "${stack}_$1" 2>/dev/null; }

image=$(spec backup '{{.ContainerSpec.Image}}') || fail "the stack $stack has no service backup, which has the copies" \
    "STACK_FILE=stack.yml:deploy/backup.yml in deploy/.env, then deploy/scripts/deploy.sh"
# Whose it is, where that can be asked for copies, and to whom its volume belongs.
case $of in
    ledger) owner=redis network=ledger user=redis ;;
    *) owner=$of network=chat user=10001:10001 ;;
esac
volume=$(spec "$owner" '{{range .ContainerSpec.Mounts}}{{if eq .Target "/data"}}{{.Source}}{{end}}{{end}}')
[ -n "$volume" ] || fail "the stack $stack has no service $owner with a volume" "deploy/scripts/deploy.sh"

# --- The backup's program, once: it is where the other backups and Redis can be asked, and has the same secrets.

once=${stack}_restore
options=(--name "$once" --detach --quiet --with-registry-auth --no-resolve-image --no-healthcheck
    --restart-condition none --network "${stack}_$network" --user "$user" --read-only --cap-drop ALL
    --limit-memory 192M --limit-cpu 1 --log-driver local --log-opt max-size=1m
    --mount "type=tmpfs,target=/tmp,tmpfs-size=16777216")
while IFS= read -r line; do
    [ -z "$line" ] || options+=(--env "$line")
done <<<"$(spec backup '{{range .ContainerSpec.Env}}{{println .}}{{end}}')"
while read -r source target; do
    [ -z "$source" ] || options+=(--secret "source=$source,target=$target,mode=0444")
done <<<"$(spec backup '{{range .ContainerSpec.Secrets}}{{.SecretName}} {{println .File.Name}}{{end}}')"
if [ $list = yes ]; then
    place=backup words=(list)
else
    place=$owner words=(restore --of "$of")
    [ -z "$force" ] || words+=("$force")
    options+=(--mount "type=volume,source=$volume,target=/data")
    case $copy in
        */*) options+=(--config "source=$once,target=/copy,mode=0444") words+=(/copy) ;;
        ?*) words+=("$copy") ;;
    esac
fi
while IFS= read -r line; do
    [ -z "$line" ] || options+=(--constraint "$line")
done <<<"$(spec $place '{{with .Placement}}{{range .Constraints}}{{println .}}{{end}}{{end}}')"

# It may be left over from one that was killed.
remove_once() {
    docker service rm "$once" >/dev/null 2>&1
    docker config rm "$once" >/dev/null 2>&1
}
remove_once
trap remove_once EXIT
trap 'say "$name: interrupted: nothing has changed, unless $owner was started anew" >&2; exit 130' INT TERM

SECONDS=0
case $copy in
    */*) docker config create "$once" "$copy" >/dev/null || fail "Docker does not take $copy as a config" ;;
esac
docker service create "${options[@]}" "$image" "${words[@]}" >/dev/null || fail "Docker does not run the backup's program"
state=''
while [ $SECONDS -lt "$timeout" ]; do
    task=$(docker service ps --quiet --no-trunc "$once" 2>/dev/null | head -n 1)
    [ -z "$task" ] || state=$(docker inspect --type task --format '{{.Status.State}}' "$task" 2>/dev/null)
    case $state in complete | failed | rejected | orphaned | shutdown) break ;; esac
    sleep 1
done
copy_text=$(say "$copy" | sed 's/[\\&|]/\\&/g')
said=$(within 20 docker service logs --raw "$once" 2>&1 | sed "s|^/copy:|$copy_text:|; s| /copy | $copy_text |")
case $state in
    complete) say "$said" ;;
    failed) fail "$said" ;;
    *) fail "it has not run: $(docker service ps --no-trunc --format '{{.CurrentState}} {{.Error}}' "$once" | head -n 1)" ;;
esac
[ $list = no ] || exit 0

# --- Its owner begins with it.

before=$(docker service ps --quiet --no-trunc "${stack}_$owner")
docker service update --detach --force --quiet "${stack}_$owner" >/dev/null ||
    fail "Docker does not start $owner anew" "docker service update --force ${stack}_$owner"
while [ $SECONDS -lt "$timeout" ]; do
    while read -r task state; do
        case $before in *"${task:-none}"*) continue ;; esac
        if [ "$state" = Running ]; then
            say "$owner runs with it, after $SECONDS s in all"
            exit 0
        fi
    done <<<"$(docker service ps --no-trunc --filter desired-state=running \
        --format '{{.ID}} {{.CurrentState}}' "${stack}_$owner" | cut -d ' ' -f 1,2)"
    sleep 1
done
say "$name: $owner does not run with it after $SECONDS s: deploy/scripts/logs.sh -a -n $owner" >&2
exit 3
