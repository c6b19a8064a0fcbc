# shellcheck shell=bash disable=SC2034
# The programs that tests start: which are missing, which packages bring them, and installing those. For ./test;
# in the language of bash 3.2, which is what macOS has.

PROGRAMS="cc redis-server redis-cli python3 script wrk nginx ps chromium chromedriver curl nsenter setpriv shellcheck"

# What pip brings, each into the folder of its name in e2e, in the version that requirements.txt names there.
OF_PIP="axe-core checkov kubernetes-validate"
PROGRAMS="$PROGRAMS $OF_PIP"

manager=none
if command -v apt-get >/dev/null; then manager=apt; elif command -v brew >/dev/null; then manager=brew; fi
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo

# Servers are in folders that not every user has in the PATH.
with_servers() { PATH=$PATH:/usr/local/sbin:/usr/sbin "$@"; }

# have PROGRAM...: whether one of these is here.
have() { with_servers command -v "$@" >/dev/null; }

# missing PROGRAM...: those that are not here; the same that crates/needs/build.rs misses.
missing() {
    local program lacking=""
    for program; do
        case $program in
            chromium) have chromium chromium-browser google-chrome google-chrome-stable ;;
            axe-core | checkov | kubernetes-validate) ls -d e2e/$program/*.dist-info >/dev/null 2>&1 ;;
            redis-server) redis-server --version 2>/dev/null | grep -Eq ' v=([7-9]|[1-9][0-9])\.' ;;
            *) have "$program" ;;
        esac || lacking="$lacking $program"
    done
    echo "${lacking# }"
}

# reason PROGRAM...: why nothing that needs these missing ones runs.
reason() {
    local text="missing: $*"
    case " $* " in
        *" redis-server "*) ! have redis-server || text="$text (7 or later; the one that is here is older)" ;;
    esac
    case " $* " in
        # Whether the tests can drive it from there is not known.
        *" chrom"*) ! is_ubuntu || text="$text (Ubuntu has a snap only: Google Chrome and its ChromeDriver will do)" ;;
    esac
    echo "$text"
}

# packages PROGRAM...: what brings these, as far as the package manager has it.
packages() {
    local program
    for program; do
        case "$manager $program" in
            "apt cc") echo gcc libc6-dev ;;
            # One that is here is too old, and so is the package.
            *" redis-server") have redis-server || case $manager in apt) echo redis-server ;; brew) echo redis ;; esac ;;
            "apt redis-cli") echo redis-tools ;;
            "apt script") echo bsdutils ;;
            "apt nginx") echo nginx-light ;;
            "apt ps") echo procps ;;
            "apt nsenter" | "apt setpriv") echo util-linux ;;
            # Ubuntu has Chromium as a snap only.
            "apt chromium") is_ubuntu || echo chromium ;;
            "apt chromedriver") is_ubuntu || echo chromium-driver ;;
            "apt axe-core" | "apt checkov" | "apt kubernetes-validate") have_pip || echo python3-pip ;;
            "brew axe-core" | "brew checkov" | "brew kubernetes-validate") have_pip || echo python ;;
            "brew redis-cli") echo redis ;;
            "brew python3") echo python ;;
            "brew cc" | "brew script" | "brew ps" | "brew nsenter" | "brew setpriv") ;;
            "none "*) ;;
            *) echo "$program" ;;
        esac
    done | tr ' ' '\n' | sort -u | tr '\n' ' ' | sed 's/ $//'
}

# of_pip PROGRAM...: those of them that pip brings.
of_pip() {
    local program
    for program; do
        case " $OF_PIP " in *" $program "*) echo "$program" ;; esac
    done
}

# pip_line PROGRAM: the command that brings it. Of the package with axe-core only a script is used.
pip_line() {
    local options=""
    [ "$1" != axe-core ] || options="--no-deps --require-hashes "
    echo "python3 -m pip install $options--target e2e/$1 -r e2e/$1/requirements.txt"
}

have_pip() { python3 -m pip --version >/dev/null 2>&1; }

is_ubuntu() { grep -q '^ID=ubuntu' /etc/os-release 2>/dev/null; }

# install_line PROGRAM...: the command that brings these; nothing, where the package manager has none of them.
install_line() {
    local packages line="" program
    packages=$(packages "$@")
    case "$manager" in
        apt) line="${sudo:+$sudo }apt-get update && ${sudo:+$sudo }apt-get install --no-install-recommends $packages" ;;
        brew) line="brew install $packages" ;;
    esac
    [ -n "$packages" ] || line=""
    for program in $(of_pip "$@"); do line="${line:+$line && }$(pip_line $program)"; done
    [ -z "$line" ] || echo "$line"
}

# install PROGRAM...: brings these, if that asks nobody; says what it does, and what fails.
install() {
    local program
    install_packages "$@"
    for program in $(of_pip "$@"); do
        if ! have_pip; then
            echo "not installed, since pip is missing: $program"
        else
            $(pip_line $program) --quiet --disable-pip-version-check ||
                echo "test: $program could not be installed" >&2
        fi
    done
}

# install_packages PROGRAM...: those of them that apt has.
install_packages() {
    local packages package
    packages=$(packages "$@")
    [ -n "$packages" ] && [ "$manager" = apt ] || return 0
    if [ -n "$sudo" ] && ! sudo -n true 2>/dev/null; then
        echo "not installed, since that needs root, or a sudo that does not ask: $packages"
        return 0
    fi
    echo "installing what tests need (--no-install keeps from it): $packages"
    $sudo apt-get update -qq || echo "test: apt-get update failed; going on with the lists that are here" >&2
    # One that cannot be had does not keep the others away.
    apt_install $packages || for package in $packages; do
        apt_install "$package" || echo "test: $package could not be installed" >&2
    done
    for package in redis-server nginx; do
        case " $packages " in *" $package"*) stop_service "$package" ;; esac
    done
}

apt_install() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 \
        --no-install-recommends "$@" >/dev/null
}

# Its package has started it, now and at every boot; tests start their own.
stop_service() {
    if [ -d /run/systemd/system ]; then
        $sudo systemctl disable --now --quiet "$1"
    elif [ -x "/etc/init.d/$1" ]; then
        $sudo "/etc/init.d/$1" stop >/dev/null
    fi
}
