#!/usr/bin/env bash
# Gives images of this machine to others, without a registry: over ssh, and of each image only the platform that the
# other one has.
#
#   deploy/scripts/copy-images.sh MACHINE... [-- IMAGE...]
#
#   MACHINE   as ssh knows it: pi1, or pi@192.168.0.11; it has Docker
#   IMAGE     (default: those of Swarmyard in the version TAG, or latest, with REGISTRY before their names)
#
# Ends with 0; 1: a machine did not get all of them, and the others did; 2: wrong usage.
set -uo pipefail
# shellcheck source=deploy/scripts/swarm.sh
. "$(dirname "$0")/swarm.sh"

machines=""
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    case $1 in
        -h | --help) help && exit 0 ;;
        -*) wrong "no such argument: $1" ;;
    esac
    machines="$machines $1"
    shift
done
[ -n "$machines" ] || wrong "it needs a machine"
if [ $# -gt 0 ]; then shift; fi
if [ $# -eq 0 ]; then
    for image in producer consumer chat-node miner api webui backup; do
        set -- "$@" "${REGISTRY:-}$image:${TAG:-latest}"
    done
fi
for image; do
    docker image inspect "$image" >/dev/null 2>&1 || fail "$image is not here" "docker buildx bake     makes ours"
done

# An image of several platforms is saved with all of them, of which some may be missing here, unless one is named.
# Before Docker 28 there is one to an image.
names_platform=no
docker save --help | grep -q -- --platform && names_platform=yes

# copy MACHINE IMAGE...
copy() {
    local machine=$1 platform
    shift
    platform=$(ssh "$machine" docker version --format "'{{.Server.Os}}/{{.Server.Arch}}'" </dev/null) || return 1
    # Docker says arm of every 32-bit Pi; there are images for v7 of it.
    [ "$platform" != linux/arm ] || platform=linux/arm/v7
    [ $names_platform = yes ] || platform=""
    docker save ${platform:+--platform "$platform"} "$@" | ssh "$machine" docker load --quiet >/dev/null || return 1
    say "$machine has $*"
}

status=0
for machine in $machines; do
    copy "$machine" "$@" || {
        say "$name: $machine did not get them" >&2
        status=1
    }
done
exit $status
