# shellcheck shell=bash
# What ssh and scp of the playground share. In the language of bash 3.2, which is what macOS has.

container() { echo "swarmyard-playground-$1"; }

is_machine() { [ -n "$1" ] && docker container inspect "$(container "$1")" >/dev/null 2>&1; }

# real PROGRAM ARGUMENT...: becomes the program of that name that comes next in the PATH.
real() {
    local program=$1 path own
    shift
    own=$(cd "$(dirname "$0")" && pwd)
    while IFS= read -r path; do
        [ "$(cd "$(dirname "$path")" && pwd)" = "$own" ] || exec "$path" "$@"
    done < <(type -ap "$program")
    echo "$program: no machine of the playground has this name, and there is no other $program" >&2
    exit 255
}
