# What the scripts share: where the project is, help, messages, packages. Sourced, never run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pocketgss
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*"; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# help_if_asked "$@" prints the comment at the top of the script where the first argument is --help or -h.
help_if_asked() {
  case ${1:-} in
    --help | -h)
      sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
  esac
}

bad_option() { die "unknown option '$1'; see $(basename "$0") --help"; }

# cores is how many compilers run at once; PGSS_JOBS overrides it.
cores() { say "${PGSS_JOBS:-$(nproc)}"; }

# as_root runs a command as root, through sudo where needed.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root to install packages: run it as root, or install sudo"
  fi
}

# missing_packages prints those of its arguments that are not installed.
missing_packages() {
  local name
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s ' "$name"
  done
}

# install_packages installs what is missing; where all is there it does not even ask the package index.
install_packages() {
  local missing
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || die "these packages are missing, and there is no apt-get: $missing"
  say "installing: $missing"
  quietly as_root apt-get -qq -o DPkg::Lock::Timeout=300 update
  # shellcheck disable=SC2086  # a list of names, one word each
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install $missing
}

# quietly runs a command and shows its output only where it fails.
quietly() {
  local output
  output=$("$@" 2>&1) || {
    printf '%s\n' "$output" >&2
    die "failed: $*"
  }
}
