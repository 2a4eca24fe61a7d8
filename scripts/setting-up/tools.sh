# The compiler's target, tools that are compiled once a machine, and the npm packages.
# Sourced by scripts/setup.
# shellcheck shell=bash

rust_target() {
  command -v cargo >/dev/null || die "Rust is missing: install rustup (https://rustup.rs), then try again"
  # With rustup, the first call brings the toolchain that rust-toolchain.toml names.
  if [[ -d $(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null) ]]; then return; fi
  if command -v rustup >/dev/null && step "Installing Rust and its wasm target" rustup target add wasm32-unknown-unknown; then
    return
  fi
  die "no Rust target wasm32-unknown-unknown.
Without rustup, Debian's packages bring a compiler that can build it:
  apt-get install rustc-web cargo-web rust-web-src
  cargo new --lib empty && cd empty
  RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes /usr/bin/cargo build --release \\
    -Zbuild-std=std,panic_abort --target wasm32-unknown-unknown
  mkdir -p /usr/lib/rustlib/wasm32-unknown-unknown/lib
  cp target/wasm32-unknown-unknown/release/deps/*.rlib /usr/lib/rustlib/wasm32-unknown-unknown/lib/
Then put /usr/bin first on PATH, and name an rust-lld in CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER."
}

# once INSTALL...: one clone of a machine at a time; the next one finds the tools there.
once() {
  mkdir -p "$CACHE"
  (
    if command -v flock >/dev/null; then flock 9; fi
    "$@"
    rm -rf "$CACHE/target"
  ) 9>"$CACHE/lock"
}

# prebuilt FOLDER URL SHA256: unpacks a release; any failure means that the source must be compiled.
prebuilt() {
  local folder=$1 url=$2 checksum=$3 work
  [[ $(uname -sm) == "Linux x86_64" ]] && command -v curl >/dev/null || return 1
  work=$(mktemp -d "$CACHE/fetch.XXXXXX")
  if curl -fsSL --connect-timeout 3 --max-time 120 -o "$work/archive" "$url" &&
    [[ $(sha256 <"$work/archive") == "$checksum" ]] &&
    mkdir "$work/bin" && tar -xzf "$work/archive" -C "$work/bin" --strip-components 1; then
    mkdir -p "$folder/bin"
    mv -f "$work/bin"/* "$folder/bin/"
  fi
  rm -rf "$work"
  [[ -x $folder/bin/$(basename "${folder%-*}" -cli) ]]
}

# compiled CRATE VERSION PROGRAM...: from its source. Unoptimised, it is there in half the time, and quick enough for us.
compiled() {
  local crate=$1 version=$2
  shift 2
  CARGO_TARGET_DIR=$CACHE/target \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install --locked --version "$version" --root "$CACHE/$crate-$version" "${@/#/--bin=}" "$crate"
}

tools() {
  local releases=https://github.com/wasm-bindgen target=x86_64-unknown-linux-musl version
  if [[ ! -x $WASM_BINDGEN_BIN ]]; then
    version=$WASM_BINDGEN_VERSION
    prebuilt "$CACHE/wasm-bindgen-cli-$version" \
      "$releases/wasm-bindgen/releases/download/$version/wasm-bindgen-$version-$target.tar.gz" "$WASM_BINDGEN_SHA256" ||
      compiled wasm-bindgen-cli "$version" wasm-bindgen wasm-bindgen-test-runner
  fi
  if [[ ! -x $WASM_PACK_BIN ]]; then
    version=$WASM_PACK_VERSION
    prebuilt "$CACHE/wasm-pack-$version" \
      "$releases/wasm-pack/releases/download/v$version/wasm-pack-v$version-$target.tar.gz" "$WASM_PACK_SHA256" ||
      compiled wasm-pack "$version" wasm-pack
  fi
}

tools_missing() { [[ ! -x $WASM_BINDGEN_BIN || ! -x $WASM_PACK_BIN ]]; }

cargo_fuzz() {
  if [[ ! -x $CARGO_FUZZ_BIN ]]; then compiled cargo-fuzz "$CARGO_FUZZ_VERSION" cargo-fuzz; fi
}

packages_stamp() { cat package.json package-lock.json .npmrc | sha256; }

packages_missing() { [[ $(cat node_modules/.authflow 2>/dev/null) != "$(packages_stamp)" ]]; }

packages() {
  npm ci --loglevel error
  packages_stamp >node_modules/.authflow
}

# The packages load while the tools compile.
tools_and_packages() {
  local job=
  if packages_missing; then
    packages &
    job=$!
  fi
  if tools_missing; then once tools; fi
  if [[ -n $job ]]; then wait "$job"; fi
}

# python_packages NAME LIST MODULES: Python's packages, once a machine for each edition of their LIST, as $TARGET/NAME/python.
python_packages() {
  local name=$1 list=$2 modules=$3 venv
  venv=$CACHE/$name-$(sha256 <"$list")
  # An environment does not outlive the Python that it was made with.
  if ! "$venv/bin/python" -c "import $modules" 2>/dev/null; then
    python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --disable-pip-version-check --require-hashes --requirement "$list"
  fi
  mkdir -p "$TARGET/$name"
  ln -sfn "$venv" "$TARGET/$name/python"
}

node_is_new_enough() { node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 12) ? 0 : 1)'; }

# Go alone can install it, and only one that is new enough.
install_oauth2_proxy() {
  GOBIN=${OAUTH2_PROXY_BIN%/*} GOTOOLCHAIN=local go install "github.com/oauth2-proxy/oauth2-proxy/v7@$OAUTH2_PROXY_VERSION"
}
