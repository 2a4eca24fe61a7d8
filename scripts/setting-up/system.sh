# What the system's package manager brings, and Debian's packages that are unpacked and not installed.
# Sourced by scripts/setup.
# shellcheck shell=bash

as_root() { if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi; }

apt_install() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y)
  # No list of packages yet, or an old one: fetch it, then once more.
  as_root "${apt[@]}" install "$@" || { as_root "${apt[@]}" update && as_root "${apt[@]}" install "$@"; }
}

# system_package COMMAND DEBIAN BREW: the system's package manager brings COMMAND where it is missing.
system_package() {
  if command -v "$1" >/dev/null; then return; fi
  if command -v apt-get >/dev/null; then
    if ((EUID != 0)); then
      command -v sudo >/dev/null || die "$1 is missing: as root, apt-get install $2"
      sudo -v
    fi
    step "Installing $2" apt_install "$2"
  elif command -v brew >/dev/null; then
    step "Installing $3" brew install "$3"
  else
    die "$1 is missing, and there is neither apt-get nor brew to install it with"
  fi
  command -v "$1" >/dev/null || die "$1 is still missing"
}

# PostgreSQL's own programs, which packages keep off the PATH; tests/support/postgres.mjs looks in the same places.
postgres_missing() {
  local folder
  for folder in /usr/lib/postgresql/*/bin {/opt/homebrew,/usr/local}/opt/postgresql@*/bin \
    "$(dirname "$(command -v initdb)")" "$(pg_config --bindir 2>/dev/null)"; do
    if [[ -x $folder/initdb && -x $folder/postgres ]]; then return 1; fi
  done
}

postgres() {
  if ! postgres_missing; then return; fi
  if command -v apt-get >/dev/null; then
    if ((EUID != 0)); then
      command -v sudo >/dev/null || die "PostgreSQL is missing: as root, apt-get install postgresql"
      sudo -v
    fi
    step "Installing postgresql" apt_install postgresql
  elif command -v brew >/dev/null; then
    step "Installing postgresql@15" brew install postgresql@15
  else
    die "PostgreSQL is missing, and there is neither apt-get nor brew to install it with"
  fi
  if postgres_missing; then die "PostgreSQL is still missing"; fi
}

# unpacked NAME PROGRAM...: the newest edition of NAME in the cache whose programs run here; nothing where there is none.
unpacked() {
  local name=$1 folder program
  shift
  for folder in "$CACHE/$name"-*/; do
    for program in "$@"; do
      # nginx knows no --version, and ends with 1 where it does not even start.
      "$folder$program" -v &>/dev/null || "$folder$program" --version &>/dev/null || continue 2
    done
    printf '%s\n' "${folder%/}"
  done | sort -V | tail -n 1
}

# Debian's package, unpacked and not installed: that needs no root, and starts no server.
# unpack NAME FOLDER PROGRAM...: the programs are in FOLDER of the package.
unpack() {
  local name=$1 from=$2 work folder
  shift 2
  if [[ -n $(unpacked "$name" "$@") ]]; then return; fi
  work=$(mktemp -d "$CACHE/fetch.XXXXXX")
  # No list of packages yet, or an old one: fetch it, then once more.
  if (cd "$work" && { apt-get download "$name" || { as_root apt-get update && apt-get download "$name"; }; }) &&
    dpkg-deb -x "$work/${name}"_*.deb "$work"; then
    folder=$CACHE/$name-$(dpkg-deb -f "$work/${name}"_*.deb Version)
    rm -rf "$folder"
    mkdir "$folder"
    mv "$work/$from" "$folder/"
  fi
  rm -rf "$work"
  [[ -n $(unpacked "$name" "$@") ]]
}

# unpacked_package NAME FOLDER PROGRAM...: with apt, $TARGET/NAME leads to it; who looks for it, looks there, too.
unpacked_package() {
  local name=$1 program all=yes
  for program in "${@:3}"; do command -v "$(basename "$program")" >/dev/null || all=no; done
  if [[ $all == yes ]]; then return; fi
  if ! command -v apt-get >/dev/null; then
    system_package "$(basename "$3")" "$name" "$name"
    return
  fi
  if [[ -z $(unpacked "$name" "${@:3}") ]]; then
    # Only the list of packages needs root, and only where there is none.
    if ((EUID != 0)) && ! apt-cache show "$name" &>/dev/null; then
      command -v sudo >/dev/null || die "$name is unknown to apt: as root, apt-get update"
      sudo -v
    fi
    step "Unpacking $name" once unpack "$@"
  fi
  ln -sfn "$(unpacked "$name" "${@:3}")" "$TARGET/$name"
}

# With `venv`, which Debian packs by itself.
python() {
  system_package python3 python3-venv python
  if ! python3 -c 'import ensurepip' 2>/dev/null && command -v apt-get >/dev/null; then
    step "Installing python3-venv" apt_install python3-venv
  fi
}
