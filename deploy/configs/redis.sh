#!/bin/sh
# Starts Redis in its container:  redis.sh primary|replica
#
# What deploy/scripts/restore.sh has put into the volume, a primary begins with; what was there before is kept.
#
# A replica (deploy/replica.yml) copies whatever its primary has, also nothing: a primary that starts with an empty
# volume wipes it. So one that has a REPLICA, which is that one's name, and an empty volume starts only when the replica
# says that it is empty, too. Else, what to do is one variable:
#
#   EMPTY_VOLUME=fill     bring back from the replica what it has, and start with that
#   EMPTY_VOLUME=begin    begin anew, also when the replica loses what it has, or does not answer
set -eu

role=$1
files=/data/appendonlydir
# A copy that restore.sh has put here; what the volume had before such a one.
restored=/data/restore
replaced=/data/replaced
# How long a primary with an empty volume waits for the replica, in seconds. Then it ends, and Swarm starts it again.
REPLICA_WAIT=40
# How long one question to the replica may take, in seconds. A lost machine does not refuse a connection.
ANSWER_TIMEOUT=3
# How long the copy of everything may take, in seconds.
COPY_TIMEOUT=50

# Nobody else's command line shows it. It may hold any sign.
REDISCLI_AUTH=$(cat /run/secrets/redis_password)
export REDISCLI_AUTH

say() { printf 'redis.sh: %s\n' "$1" >&2; }

of_replica() { timeout "$ANSWER_TIMEOUT" redis-cli -h "$REPLICA" "$@" 2>&1; }

# Sets `keys` to how many the replica has; fails when it does not say so in time.
ask_replica() {
    waited=0
    while :; do
        keys=$(of_replica DBSIZE) || :
        case $keys in '' | *[!0-9]*) ;; *) return 0 ;; esac
        [ "$waited" -lt "$REPLICA_WAIT" ] || return 1
        waited=$((waited + 1))
        sleep 1
    done
}

# begin_with FOLDER: makes Redis begin with the copy in there, which is named as the base of its append-only files; Redis
# ignores a dump.rdb where there are to be such. A stop in between is harmless: the next start goes on.
begin_with() {
    : >"$1/appendonly.aof.1.incr.aof"
    printf 'file appendonly.aof.%s seq 1 type %s\n' 1.base.rdb b 1.incr.aof i >"$1/appendonly.aof.manifest"
    # The image's own script leaves all as it is when it finds what it does not know.
    chown -R redis:redis "$1"
    sync
    if [ -e "$files" ]; then
        rm -rf "$replaced"
        mv "$files" "$replaced"
    fi
    mv "$1" "$files"
    sync
}

# Makes the volume of what the replica has. A replica gives no copy while its primary is away, so it follows nobody
# for that time.
fill() {
    new=/data/filling
    rm -rf "$new"
    mkdir "$new"
    of_replica REPLICAOF NO ONE >/dev/null
    copied=yes
    timeout "$COPY_TIMEOUT" redis-cli -h "$REPLICA" --rdb "$new/appendonly.aof.1.base.rdb" >&2 || copied=no
    of_replica REPLICAOF redis 6379 >/dev/null ||
        say "the replica does not answer: restart it, so that it follows again"
    if [ $copied = no ] || ! redis-check-rdb "$new/appendonly.aof.1.base.rdb" >&2; then
        say "the copy from $REPLICA failed; trying again when Swarm starts this anew"
        exit 1
    fi
    begin_with "$new"
    say "the volume was empty, and has now the $keys keys of $REPLICA"
}

if [ "$role" = primary ] && [ -d "$restored" ]; then
    begin_with "$restored"
    say "beginning with the copy that was put here; what was there before is in $replaced of the volume"
elif [ "$role" = primary ] && [ -n "${REPLICA:-}" ] && [ ! -s "$files/appendonly.aof.manifest" ] &&
    [ "${EMPTY_VOLUME:-}" != begin ]; then
    if ! ask_replica; then
        say "the volume is empty, and $REPLICA does not say whether it has coins: ${keys:-no answer}"
        say "bring $REPLICA back; or, to begin with no coins:"
        say "  docker service update --env-add EMPTY_VOLUME=begin SERVICE"
        exit 1
    elif [ "$keys" -gt 0 ] && [ "${EMPTY_VOLUME:-}" = fill ]; then
        fill
    elif [ "$keys" -gt 0 ]; then
        say "the volume is empty, and $REPLICA has $keys keys, which it would lose; to bring them back:"
        say "  docker service update --env-add EMPTY_VOLUME=fill SERVICE"
        exit 1
    fi
fi

quoted=$(sed 's/[\\"]/\\&/g; s/.*/"&"/' /run/secrets/redis_password)
printf 'requirepass %s\nmasterauth %s\n' "$quoted" "$quoted" >/tmp/redis.conf
if [ "$role" = replica ]; then echo 'replicaof redis 6379' >>/tmp/redis.conf; fi
unset REDISCLI_AUTH
# Who asks for a copy of everything gets it at once: Redis would wait 5 seconds for others, and what is recorded in that
# time is on no replica.
exec docker-entrypoint.sh redis-server /tmp/redis.conf --appendonly yes --appendfsync always --save "" \
    --repl-diskless-sync-delay 0
