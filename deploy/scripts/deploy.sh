#!/usr/bin/env bash
# Deploys everything on the Swarm that this machine manages, and says whether it has arrived.
#
#   deploy/scripts/deploy.sh [-e FILE] [-s STACK] [-b] [-v]
#
#   -e FILE    settings, a NAME=VALUE a line (default: deploy/.env, if it is there; see deploy/.env.example);
#              what stands in the environment goes before it
#   -s STACK   the stack's name (default: $STACK, or yard)
#   -b         first builds the images for all platforms and pushes them to REGISTRY
#   -v         shows more: what Docker says, and each look at the services
#   -h         this text
#
# It deploys stack.yml, or the files of STACK_FILE with a colon between them, and waits for at most DEPLOY_TIMEOUT
# seconds (default: 300) until every service runs as it is described there. A registry is asked which image each tag
# means, so that all nodes run the same: RESOLVE_IMAGE=never does not ask, where there is none to be reached.
#
# Configs and secrets cannot be changed, only replaced. So each gets a name made of its content: change a file and
# deploy again, and the services that use it are updated, one task after the other. What no service uses any more
# is removed then. To go back, deploy the former file; `docker service rollback` would miss what was removed.
#
# Passwords are files in deploy/secrets (SECRETS_DIR), made when they are missing. To have a new one:
#   rm deploy/secrets/redis_password && deploy/scripts/deploy.sh
#
# Ends with 0: all is there; 1: nothing was deployed; 2: wrong usage; 3: rolled back, or not all there.
# Ctrl-C ends the wait only: what is deployed goes on.
set -uo pipefail
# shellcheck source=deploy/scripts/swarm.sh
. "$(dirname "$0")/swarm.sh"

env_file='' stack='' build=no verbose=no
while [ $# -gt 0 ]; do
    case $1 in
        -e | -s) [ $# -gt 1 ] || wrong "$1 needs a value" ;;
    esac
    case $1 in
        -e) env_file=$2 && shift ;;
        -s) stack=$2 && shift ;;
        -b) build=yes ;;
        -v) verbose=yes ;;
        -h | --help) help && exit 0 ;;
        *) wrong "no such argument: $1" ;;
    esac
    shift
done

# Exports what the file says and the environment does not.
read_settings() {
    local line key value number=0
    [ -r "$1" ] || fail "there is no file $1" "cp $root/deploy/.env.example $1"
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        line=$(say "$line" | sed "s/$(printf '\r')\$//; s/^[ $tab]*//; s/^export //")
        case $line in '' | '#'*) continue ;; esac
        key=${line%%=*} value=${line#*=}
        case $line in *=*) ;; *) key= ;; esac
        case $key in '' | [0-9]* | *[!A-Za-z0-9_]*) fail "$1, line $number is not NAME=VALUE: $line" ;; esac
        case $value in
            \"*\"*) value=${value#\"} value=${value%\"*} ;;
            \'*\'*) value=${value#\'} value=${value%\'*} ;;
            *) value=$(say "$value" | sed "s/^#.*//; s/[ $tab]#.*//; s/[ $tab]*\$//") ;;
        esac
        [ -n "${!key+set}" ] || export "$key=$value"
    done <"$1"
}
if [ -n "$env_file" ]; then
    read_settings "$env_file"
elif [ -e "$root/deploy/.env" ]; then
    read_settings "$root/deploy/.env"
fi

stack=${stack:-${STACK:-yard}}
case $stack in *[!A-Za-z0-9_-]* | -*) wrong "a stack's name is letters, digits, - and _, not $stack" ;; esac
timeout=${DEPLOY_TIMEOUT:-300}
case $timeout in *[!0-9]*) wrong "DEPLOY_TIMEOUT is a number of seconds, not $timeout" ;; esac
secrets=${SECRETS_DIR:-deploy/secrets}
# As stack.yml means it, wherever this was started.
case $secrets in /*) ;; *) secrets=$root/$secrets ;; esac
export SECRETS_DIR=$secrets
# Images are $REGISTRY$NAME there.
[ -z "${REGISTRY:-}" ] || export REGISTRY="${REGISTRY%/}/"
# Each file as an argument of its own, after -c.
files=()
rest=${STACK_FILE:-$root/stack.yml}:
while [ -n "$rest" ]; do
    [ -z "${rest%%:*}" ] || files+=(-c "${rest%%:*}")
    rest=${rest#*:}
done

require_manager
config=$(docker stack config "${files[@]}" 2>&1) || fail "Docker does not take the stack: $config"

# --- What has to be there before anything is deployed; all that is not is said.

problems=0
problem() {
    say "$name: $1" >&2
    shift
    for line; do say "  $line" >&2; done
    problems=$((problems + 1))
}

if [ "${PLAYGROUND:-}" != yes ]; then
    case ${TAG:-} in
        '' | latest) problem "TAG is ${TAG:-not set}: from latest nobody can go back, and nodes may differ" \
            "TAG=1.0 in deploy/.env names a version; PLAYGROUND=yes, where it does not matter" ;;
    esac
fi
if [ $build = yes ] && [ -z "${REGISTRY:-}" ]; then
    problem "-b pushes the images, and REGISTRY does not say where to" "REGISTRY=YOUR-DOCKER-ID in deploy/.env"
fi

# `SERVICE LABEL VALUE` of each label that a service's place has to have.
constraints=$(say "$config" | awk '
    /^[^ ]/ { in_services = $1 == "services:" }
    in_services && /^  [^ ]/ { service = $1; sub(/:$/, "", service) }
    in_services && $1 == "-" && $2 ~ /^node\.labels\./ && $3 == "==" { print service, substr($2, 13), $4 }')
# `STATE AVAILABILITY HOST NAME=VALUE …` of each node.
# shellcheck disable=SC2046 # an id is a word
nodes=$(docker node inspect --format '{{.Status.State}} {{.Spec.Availability}} {{.Description.Hostname}} {{
    range $name, $value := .Spec.Labels}} {{$name}}={{$value}} {{end}}' $(docker node ls --quiet))
while read -r service label value; do
    [ -n "$service" ] || continue
    carriers=$(say "$nodes" | grep -F " $label=$value ")
    if [ -z "$carriers" ]; then
        problem "$service has to run where the label $label=$value is, and no node has it" \
            "docker node update --label-add $label=$value NODE     NODE is one of: $(say "$nodes" |
                awk '{ printf "%s%s", separator, $3; separator = ", " }')"
    elif ! say "$carriers" | grep -q '^ready active '; then
        problem "$service has to run where the label $label=$value is: $(say "$carriers" |
            awk '{ print $3 " has it, and is " ($1 == "ready" ? $2 : $1) }')" \
            "bring that node back, or docker node update --availability active $(say "$carriers" | awk '{ print $3 }')"
    fi
done <<<"$constraints"
[ $problems = 0 ] || fail "nothing was deployed"

# --- Secrets, images, and names by content.

# make_secret NAME: 40 letters and digits, unless there is something already.
make_secret() {
    [ ! -s "$secrets/$1" ] || return 0
    { mkdir -p "$secrets" && chmod 700 "$secrets"; } || fail "cannot make the folder $secrets"
    # head ends the pipe: that of tr is no error.
    (umask 077 && LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom 2>/dev/null | head -c 40 >"$secrets/$1")
    [ "$(wc -c <"$secrets/$1" | tr -d ' ')" = 40 ] || fail "cannot write $secrets/$1"
    say "made $secrets/$1: keep a copy in a safe place"
}
make_secret redis_password
make_secret cluster_secret
case $config in *'
  chaos_token:
'*) make_secret chaos_token ;; esac

if [ $build = yes ]; then
    (cd "$root" && docker buildx bake --push) || fail "the images could not be built, or not pushed to $REGISTRY" \
        "docker login ${REGISTRY%/}     if it does not know you"
fi

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }

# `configs KEY FILE` and `secrets KEY FILE` of each that is made of a file. The name of the config nginx comes from
# the variable NGINX_CONFIG, that of the secret redis_password from REDIS_PASSWORD_SECRET, and so on.
while IFS=$tab read -r kind key file; do
    [ -n "$kind" ] || continue
    [ -r "$file" ] || fail "$file cannot be read, of which the ${kind%s} $key is made"
    # Whoever sees the name could try what has this hash. That gets nobody from eight of its digits to 40 random
    # signs, which is what make_secret makes; a word that is easy to guess is no secret anyway.
    hash=$(sha256 <"$file" | cut -c 1-8)
    content=${stack}_${key}_$hash
    [ ${#content} -le 64 ] || fail "$content has more than Docker's 64 signs" "choose a shorter name for the stack"
    export "$(say "${key}_${kind%s}" | tr 'a-z-' 'A-Z_')=$content"
done <<<"$(say "$config" | awk -v OFS="$tab" '
    /^[^ ]/ { kind = $1; sub(/:$/, "", kind) }
    (kind == "configs" || kind == "secrets") && /^  [^ ]/ { key = $1; sub(/:$/, "", key) }
    (kind == "configs" || kind == "secrets") && /^    file: / { sub(/^    file: /, ""); print kind, key, $0 }')"

# --- What there is, as lines of fields with a tab between them.

# What of a task's description makes a new task when it changes.
spec='{{json .ContainerSpec}}{{json .Resources}}{{json .Networks}}{{json .LogDriver}}{{.ForceUpdate}}'

# S id name wanted state started message restart spec
# shellcheck disable=SC2046 # an id is a word
list_services() {
    set -- $(services_of "$stack")
    [ $# = 0 ] || docker service inspect --format "S$tab{{.ID}}$tab{{.Spec.Name}}$tab{{
        with .Spec.Mode.Replicated}}{{.Replicas}}{{end}}$tab{{
        with .UpdateStatus}}{{.State}}$tab{{.StartedAt}}$tab{{.Message}}{{else}}$tab$tab{{end}}$tab{{
        with .Spec.TaskTemplate}}{{with .RestartPolicy}}{{.Condition}}{{end}}$tab$spec{{end}}" "$@" 2>/dev/null
}

# T id service place node desired state time error spec
# shellcheck disable=SC2046 # an id is a word
list_tasks() {
    set -- $(docker stack ps --quiet --no-trunc "$stack" 2>/dev/null)
    # A task that is gone in the meantime is left out.
    [ $# = 0 ] || docker inspect --type task --format "T$tab{{.ID}}$tab{{.ServiceID}}$tab{{
        if .Slot}}{{.Slot}}{{else}}{{.NodeID}}{{end}}$tab{{
        .NodeID}}$tab{{.DesiredState}}$tab{{.Status.State}}$tab{{.Status.Timestamp}}$tab{{json .Status.Err}}$tab{{
        with .Spec}}$spec{{end}}" "$@" 2>/dev/null
}

# Prints one line of each kind that there is, from the lists before the deployment (B, U) and now (S, T):
#   progress   THERE ALL TEXT          for the reader
#   rolled     SERVICE TASK TEXT       an update failed
#   crashing   SERVICE TASK TEXT       the same task failed three times
#   missing    SERVICE TASK TEXT       not there yet
# TASK is its newest that failed, or else its newest, or -.
# shellcheck disable=SC2016 # the $ are awk's
judge='
    # Docker writes some of what is empty at a service, and leaves it out at its tasks.
    function bare(json) { gsub(/"[A-Za-z]+":(\{\}|\[\]|null|""),?/, "", json); return json }
    BEGIN { FS = OFS = "\t" }
    $1 == "B" { known[$2] = 1 }
    $1 == "U" { update[$2] = $3 $4 }
    $1 == "S" {
        order[++services] = $2; name[$2] = substr($3, length(stack) + 2); wanted[$2] = $4
        state[$2] = $5; message[$2] = $7; restart[$2] = $8; spec[$2] = bare($9)
        # One that was over before is none of this deployment.
        if (update[$2] == $5 $6) state[$2] = ""
    }
    $1 == "T" {
        id = $3; place = id FS $4
        current = (settled && state[id] != "updating") || !($2 in known) || bare($10) == spec[id]
        ends = $7 == "complete" && restart[id] != "any" && restart[id] != ""
        alive = $6 == "running" || $6 == "ready" || ends
        if (alive) places[id] += !(place in seen_place); if (alive) seen_place[place] = 1
        if (current && ((alive && $7 == "running" && $6 == "running") || ends)) running[id]++
        else if (!($2 in known) && ($7 == "failed" || $7 == "rejected" || $7 == "complete")) {
            failures[place]++
            if (failures[place] >= 3) crashing[id] = 1
            if ($8 > failed_at[id]) { failed_at[id] = $8; failed[id] = $2 }
        }
        if ((alive || !($2 in known)) && !(current && $7 == "running") && $8 > newest_at[id]) {
            newest_at[id] = $8; newest[id] = $2
            text = $9; sub(/^"/, "", text); sub(/"$/, "", text); gsub(/\\"/, "\"", text); gsub(/\\n/, " ", text)
            saying[id] = $7 (text == "" ? "" : ": " text)
        }
    }
    END {
        for (i = 1; i <= services; i++) {
            id = order[i]
            # A service of mode global wants a task on each node that it may be on: Swarm has made them.
            want = wanted[id] == "" ? (places[id] ? places[id] : 1) : wanted[id]
            count = running[id] + 0 "/" want
            task = failed[id] ? failed[id] : (newest[id] ? newest[id] : "-")
            if (state[id] ~ /^(paused|rollback)/) {
                print "rolled", name[id], task, state[id] ": " message[id]
            } else if (crashing[id]) {
                print "crashing", name[id], task, "it fails again and again"
            } else if (running[id] + 0 == want + 0 && state[id] != "updating") {
                there++
                continue
            }
            text = count
            if (state[id] == "updating" && running[id] + 0 == want + 0) text = text ", watched for a while"
            else if (saying[id] != "") text = text ", " saying[id]
            print "missing", name[id], task, text
            waiting = waiting (waiting == "" ? "" : "; ") name[id] " " text
        }
        print "progress", there + 0, services + 0, waiting
    }'

# After some seconds Swarm has begun with every update that it has to do, and says so of each service: then it is not
# by their descriptions alone that tasks which were there before are known to stay.
look() {
    local settled=0
    [ $((SECONDS - deployed_at)) -lt 10 ] || settled=1
    { say "$before" && list_services && list_tasks; } | awk -v stack="$stack" -v settled=$settled "$judge"
}

before=$(list_tasks | awk -v FS="$tab" -v OFS="$tab" '{ print "B", $2 }' &&
    list_services | awk -v FS="$tab" -v OFS="$tab" '$5 != "" { print "U", $2, $5, $6 }')

# --- Deploy.

log=$(mktemp) || fail "cannot make a temporary file"
trap 'rm -f "$log"' EXIT
trap 'say "$name: interrupted: what is deployed goes on by itself: docker stack ps $stack" >&2; exit 130' INT TERM

say "deploying the stack $stack"
# Building may have taken long.
SECONDS=0
detach=''
# Docker 25 has no such option and does not wait, later ones warn without it.
case $(docker stack deploy --help) in *--detach*) detach=--detach=true ;; esac
until docker stack deploy $detach --with-registry-auth --resolve-image "${RESOLVE_IMAGE:-always}" --prune \
    "${files[@]}" "$stack" >"$log" 2>&1; do
    # Those of a stack that has just been removed are there for some seconds, and then are not.
    if grep -Eq 'network .*(not found|already exists)|update out of sequence' "$log" && [ $SECONDS -lt "$timeout" ] &&
        [ "${tries:=0}" -lt 20 ]; then
        [ "$tries" -gt 0 ] || say "Docker still removes what had this name: $(tail -n 1 "$log"); trying again"
        tries=$((tries + 1))
        sleep 1
        continue
    fi
    cat "$log" >&2
    if grep -Eq '^(Creating|Updating) service' "$log"; then
        say "$name: some services are deployed, others are not" >&2
        exit 3
    fi
    fail "nothing was deployed"
done
if [ $verbose = yes ]; then
    cat "$log"
else
    # What is no news; and in a playground, that no registry has the images.
    sed "/^Creating /d; /^Updating /d; /^\$/d" "$log" |
        if [ "${PLAYGROUND:-}" = yes ]; then
            sed '/could not be accessed on a registry/,/versions of the image/d'
        else
            cat
        fi
fi

# --- Wait, and judge. `docker stack deploy --detach=false` would end with 0 after a rollback (docker/cli#6752), and
# never where a service has done its work (docker/cli#5299).

# explain SERVICE TASK: why that task is not there, and the last that it printed.
explain() {
    local node error
    [ "$2" != - ] || return 0
    node=$(docker inspect --type task --format '{{.NodeID}}' "$2" 2>/dev/null)
    [ -z "$node" ] || node=$(docker node inspect --format ' on {{.Description.Hostname}}' "$node" 2>/dev/null)
    error=$(docker inspect --type task --format '{{.Status.State}}{{with .Status.Err}}: {{.}}{{end}}' "$2" 2>/dev/null)
    say "  its task${node:- without a node}: $error"
    # It never ends for a node that does not answer.
    [ -z "$node" ] || within 5 docker service logs --raw --tail 20 "$2" 2>&1 | sed 's/^/    | /'
}

# report KIND HEADING: explains each service of that kind.
report() {
    while IFS=$tab read -r kind service task text; do
        [ "$kind" = "$1" ] || continue
        say "$name: ${stack}_$service: $text"
        explain "$service" "$task"
    done <<<"$seen" >&2
}

well=0 shown='' shown_at=0 deployed_at=$SECONDS
while :; do
    seen=$(look)
    progress=$(say "$seen" | sed -n "s/^progress$tab//p" | awk -v FS="$tab" '
        { print $1 " of " $2 " services are there" ($3 == "" ? "" : "; waiting for " $3) }')
    if [ "$progress" != "$shown" ] || [ $((SECONDS - shown_at)) -ge 5 ] || [ $verbose = yes ]; then
        say "$SECONDS s: $progress"
        shown=$progress shown_at=$SECONDS
    fi
    case $seen in
        rolled* | *"
rolled"*)
            report rolled
            say "$name: an update failed: Swarm brings back what ran before, if it can; docker stack ps $stack" >&2
            exit 3
            ;;
        crashing* | *"
crashing"*)
            report crashing
            say "$name: Swarm goes on trying: deploy again with what mends it, or docker stack rm $stack" >&2
            exit 3
            ;;
        missing* | *"
missing"*)
            well=0
            ;;
        # Swarm takes a moment to see that there is something to do.
        *) well=$((well + 1)) ;;
    esac
    [ $well -lt 2 ] || break
    if [ $SECONDS -ge "$timeout" ]; then
        report missing
        say "$name: not all is there after $SECONDS s; Swarm goes on trying: docker stack ps $stack" >&2
        exit 3
    fi
    sleep 1
done

# --- Remove what no service uses any more: old passwords would be kept as long as the Swarm.

# shellcheck disable=SC2046 # an id is a word
used=$(docker service inspect --format '{{with .Spec.TaskTemplate.ContainerSpec}}{{
    range .Configs}}config {{.ConfigName}}{{"\n"}}{{end}}{{
    range .Secrets}}secret {{.SecretName}}{{"\n"}}{{end}}{{end}}' $(docker service ls --quiet))
for kind in config secret; do
    for content in $(docker $kind ls --filter "label=com.docker.stack.namespace=$stack" --format '{{.Name}}'); do
        say "$used" | grep -qxF "$kind $content" || ! docker $kind rm "$content" >/dev/null ||
            say "removed the $kind $content, which no service uses any more"
    done
done
say "all is well: $(say "$seen" | awk -v FS="$tab" '$1 == "progress" { print $3 }') services are there after $SECONDS s"
