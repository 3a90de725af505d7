# What the other scripts share: installing Deno and Debian packages. Source it, with $project set.
# shellcheck shell=sh

# The version of Deno for developing and testing.
deno_version=2.9.6

# Where the scripts keep what they install outside of the system.
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/wayferry

# Behind a proxy with certificates of its own, Deno needs those of the system as well.
export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-mozilla,system}"
export DENO_NO_UPDATE_CHECK=1
# A package.json in a folder above would make it look for node_modules there.
export DENO_NO_PACKAGE_JSON=1

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "$(basename "$0"): $*"
    exit 1
}

# Installs those of the named Debian packages that are missing.
need_packages() {
    command -v dpkg-query >/dev/null ||
        fail "this is not a Debian system: install the equivalent of these Debian packages, and start again: $*"
    missing=
    for package; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
            installed) ;;
            *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || fail "some Debian packages are missing. As root: apt-get install$missing"
    say "Installing$missing"
    # Another process may be installing packages: wait for its lock.
    apt="apt-get -qq -y -o DPkg::Lock::Timeout=300"
    # shellcheck disable=SC2086 # words of a command
    {
        DEBIAN_FRONTEND=noninteractive $apt install --no-install-recommends $missing ||
            { $apt update && DEBIAN_FRONTEND=noninteractive $apt install --no-install-recommends $missing; }
    } >"$(log_file apt)" 2>&1 || { cat "$(log_file apt)" >&2 && fail "could not install$missing"; }
}

# A file for output that is only interesting when the command fails.
log_file() {
    mkdir -p "$cache"
    printf '%s\n' "$cache/$1.log"
}

# Puts Deno, in the project's version, first on the PATH.
need_deno() {
    case $(deno --version 2>/dev/null) in
        "deno $deno_version "*) return 0 ;;
    esac
    folder=$cache/deno-$deno_version
    case $(uname -m) in
        x86_64) bin=$folder/node_modules/@deno/linux-x64-glibc ;;
        aarch64) bin=$folder/node_modules/@deno/linux-arm64-glibc ;;
        *) fail "there is no Deno for $(uname -m)" ;;
    esac
    if [ ! -x "$bin/deno" ]; then
        command -v npm >/dev/null || need_packages npm ca-certificates
        say "Installing Deno $deno_version"
        mkdir -p "$folder"
        # The package's own script would download the same binary once more.
        npm install --silent --ignore-scripts --no-audit --no-fund --prefix "$folder" \
            "deno@$deno_version" >"$(log_file npm)" 2>&1 ||
            { cat "$(log_file npm)" >&2 && fail "could not install Deno from npm"; }
    fi
    [ -x "$bin/deno" ] || fail "npm has installed Deno, but not as $bin/deno"
    PATH=$bin:$PATH
    export PATH
}
