#!/usr/bin/env bash
# Lets the class's mirror fetch images of Docker Hub before the class comes: what it has is asked for outside no more.
#
#   deploy/classroom/fetch.sh [-p PLATFORM]... IMAGE...
#
#   -p PLATFORM   a kind of machine that there will be (default: linux/amd64 and linux/arm64)
#   IMAGE         such as redis:8-alpine, with its version
#
# The mirror is at localhost, at port MIRROR_PORT (default: 5002). It needs curl, and docker with buildx.
# Ends with 0; 1: something could not be had; 2: wrong usage.
set -uo pipefail
# shellcheck source=deploy/scripts/swarm.sh
. "$(dirname "$0")/../scripts/swarm.sh"

platforms=""
while [ $# -gt 0 ]; do
    case $1 in
        -p)
            [ $# -gt 1 ] || wrong "-p needs a value"
            platforms="$platforms $2" && shift
            ;;
        -h | --help) help && exit 0 ;;
        -*) wrong "no such argument: $1" ;;
        *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || wrong "it needs an image"
mirror=localhost:${MIRROR_PORT:-5002}

# raw NAME: what the mirror has of this name. `docker pull` would ask for nothing that this machine has, and without
# --raw it would be all platforms.
raw() { docker buildx imagetools inspect --raw "$mirror/$1"; }

# Reads what an image consists of, prints PLATFORM DIGEST for each. A digest stands before its platform.
platforms_of() {
    tr -d ' \n' | tr '{' '\n' | awk '
        function value(key) {
            if (!match($0, "\"" key "\":\"[^\"]*")) return ""
            return substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4)
        }
        value("digest") != "" { digest = value("digest") }
        value("architecture") != "" {
            variant = value("variant")
            print value("os") "/" value("architecture") (variant == "v7" ? "/v7" : ""), digest
        }'
}

for image; do
    repository=${image%:*}
    case $image in *:*) ;; *) wrong "$image has no version, such as $image:1" ;; esac
    case $repository in */*) ;; *) repository=library/$repository ;; esac
    index=$(raw "$repository:${image##*:}") ||
        fail "the mirror at $mirror has no $image" "docker compose -f deploy/classroom/docker-compose.yml logs mirror"
    for platform in ${platforms:-linux/amd64 linux/arm64}; do
        digest=$(say "$index" | platforms_of | awk -v platform="$platform" '$1 == platform { print $2; exit }')
        [ -n "$digest" ] || fail "$image is not for $platform"
        parts=$(raw "$repository@$digest" | grep -o 'sha256:[0-9a-f]\{64\}' | sort -u)
        for part in $parts; do
            curl --silent --show-error --fail --location --output /dev/null \
                "http://$mirror/v2/$repository/blobs/$part" ||
                fail "a part of $image for $platform cannot be had"
        done
        say "$image for $platform: $(say "$parts" | wc -l | tr -d ' ') parts"
    done
done
