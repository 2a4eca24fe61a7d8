# What the scripts share: where things are, how progress is told. Sourced, never run.
# shellcheck shell=bash

set -euo pipefail

if ((BASH_VERSINFO[0] < 5)); then
  printf 'bash 5 or newer is needed; this is %s\n' "$BASH_VERSION" >&2
  exit 1
fi

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

# shellcheck source=scripts/versions
source "$ROOT/scripts/versions"

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/authflow
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}

WASM_BINDGEN_BIN=$CACHE/wasm-bindgen-cli-$WASM_BINDGEN_VERSION/bin/wasm-bindgen
WASM_PACK_BIN=$CACHE/wasm-pack-$WASM_PACK_VERSION/bin/wasm-pack
# Only some scripts use these.
# shellcheck disable=SC2034
OAUTH2_PROXY_BIN=$CACHE/oauth2-proxy-$OAUTH2_PROXY_VERSION/bin/oauth2-proxy
# shellcheck disable=SC2034
CARGO_FUZZ_BIN=$CACHE/cargo-fuzz-$CARGO_FUZZ_VERSION/bin/cargo-fuzz
WASM_OPT_BIN=$ROOT/node_modules/.bin/wasm-opt
ESBUILD_BIN=$ROOT/node_modules/.bin/esbuild

# `node` of node_modules comes first: the system's own may be too old for wrangler and miniflare.
PATH=$ROOT/node_modules/.bin:${WASM_BINDGEN_BIN%/*}:${WASM_PACK_BIN%/*}:$PATH

# The smaller AES, because `auth` encrypts two short tokens a sign-in; and no path of this machine in what is deployed.
CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="--cfg aes_compact --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=crates"

export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS
export PATH WASM_BINDGEN_BIN WASM_OPT_BIN ESBUILD_BIN
export WRANGLER_SEND_METRICS=false CLOUDFLARE_CF_FETCH_ENABLED=false NO_UPDATE_NOTIFIER=1

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$(basename "$0"): $*"
  exit 1
}

# help "$@" <<text: prints the text and ends where the first argument asks for it.
help() {
  case ${1:-} in
  -h | --help)
    cat
    exit 0
    ;;
  esac
}

# step LABEL COMMAND...: runs the command, quietly while it goes well; whatever takes more than a second is told.
# What it prints is kept in $STEP_LOG, if that is set.
step() {
  local label=$1 log=${STEP_LOG:-} job status=0 started=$SECONDS told=0 scratch=
  shift
  # For this step alone, not for those of the scripts it runs.
  unset STEP_LOG
  if [[ -z $log ]]; then
    scratch=$(mktemp "${TMPDIR:-/tmp}/authflow.XXXXXX")
    log=$scratch
  fi
  # A process group of its own, so that a signal to us can end all of it.
  set -m
  "$@" </dev/null >"$log" 2>&1 &
  job=$!
  set +m
  trap 'kill -TERM -- "-$job" 2>/dev/null; rm -f "$scratch"; exit 130' INT TERM
  while kill -0 "$job" 2>/dev/null; do
    sleep 0.1
    progress "$label" $((SECONDS - started)) "$log"
  done
  wait "$job" || status=$?
  trap - INT TERM
  if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
  if ((status != 0)); then
    tail -n 100 "$log" >&2
    rm -f "$scratch"
    say "$label: failed after $((SECONDS - started)) s"
    return "$status"
  fi
  rm -f "$scratch"
  say "$label: $((SECONDS - started)) s"
}

# One line that keeps changing on a terminal; elsewhere, a line now and then.
progress() {
  local label=$1 seconds=$2 log=$3 last
  ((seconds > told)) || return 0
  if [[ -t 2 ]]; then
    told=$seconds
  elif ((told == 0)); then
    told=1
  elif ((seconds >= told + 10)); then
    told=$seconds
  else
    return 0
  fi
  last=$(tail -n 1 "$log" | tr -d '[:cntrl:]' | cut -c 1-60)
  if [[ -t 2 ]]; then
    printf '\r\033[K%s: %s s  %s' "$label" "$seconds" "$last" >&2
  else
    say "$label: $seconds s so far  $last"
  fi
}

# locked NAME: from here to the end of this script, no other one holds NAME in this clone. (macOS has no flock; there, don't.)
locked() {
  mkdir -p "$TARGET"
  if command -v flock >/dev/null; then
    exec {LOCK}>"$TARGET/authflow-$1.lock"
    flock -n "$LOCK" || step "Waiting for another $1 in this clone" flock "$LOCK"
  fi
}

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1; }

need_tools() {
  local tool
  for tool in "$WASM_BINDGEN_BIN" "$WASM_PACK_BIN" "$WASM_OPT_BIN" "$ESBUILD_BIN"; do
    [[ -x $tool ]] || die "$tool is missing: run scripts/setup"
  done
}
