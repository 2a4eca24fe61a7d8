# What is built for tests alone: the examples, and programs in Go that judge what AuthFlow sends and is deployed by.
# Sourced by scripts/setup.
# shellcheck shell=bash

# What is compiled is in $TARGET/examples; Next.js builds in its own folder.
examples() {
  local source=examples/verify-assertion
  once python_packages examples "$source/python/requirements.txt" "jwt, cryptography"
  once python_packages examples-fastapi examples/fastapi/requirements.txt "fastapi, uvicorn, websockets, jwt, cryptography"
  (cd "$source/go" && go build -buildvcs=false -o "$TARGET/examples/go" .)
  (cd examples/go && go build -buildvcs=false -o "$TARGET/examples/go-http" .)
  cargo build --locked --manifest-path "$source/rust/Cargo.toml" --target-dir "$TARGET/examples/rust"
  next_application
}

# next_application: builds examples/nextjs, unless its sources are those of the last time.
next_application() (
  local stamp
  cd examples/nextjs
  stamp=$(cat package.json package-lock.json | sha256)
  if [[ $(cat node_modules/.authflow 2>/dev/null) != "$stamp" ]]; then
    npm ci --loglevel error
    printf '%s\n' "$stamp" >node_modules/.authflow
  fi
  stamp=$(find . \( -name node_modules -o -name .next -o -name next-env.d.ts -o -name '*.tsbuildinfo' -o -name '*.md' \) -prune \
    -o -type f -print | LC_ALL=C sort | while read -r file; do printf '%s %s\n' "$file" "$(sha256 <"$file")"; done | sha256)
  if [[ $(cat .next/.authflow 2>/dev/null) != "$stamp" ]]; then
    npm run build
    printf '%s\n' "$stamp" >.next/.authflow
  fi
)

compose() { (cd tests/self-host/compose && go build -buildvcs=false -o "$TARGET/compose/compose" .); }

collector() { (cd tests/collector && go build -buildvcs=false -o "$TARGET/collector/collector" .); }

# In $TARGET/helm: bin/ with the programs of tests/helm/tools, schemas/ made of the files that tests/helm/sources names.
helm_tools() {
  local folder=$TARGET/helm packages=(./manifests ./schemas github.com/yannh/kubeconform/cmd/kubeconform) stamp
  if ! command -v helm >/dev/null; then packages+=(helm.sh/helm/v4/cmd/helm); fi
  mkdir -p "$folder/bin"
  (cd tests/helm/tools && go build -buildvcs=false -o "$folder/bin/" "${packages[@]}")
  stamp=$(cat tests/helm/sources/* tests/helm/tools/schemas/* | sha256)
  if [[ $(cat "$folder/schemas/.authflow" 2>/dev/null) == "$stamp" ]]; then return; fi
  rm -rf "$folder/schemas"
  mkdir "$folder/schemas"
  helm_sources | xargs "$folder/bin/schemas" "$folder/schemas"
  printf '%s\n' "$stamp" >"$folder/schemas/.authflow"
}

# What Kubernetes, and those who add to it, say of their kinds: a path a line, Kubernetes' own first. go.sum vouches for it.
helm_sources() {
  local kubernetes operator gateway
  kubernetes=$(helm_source k8s.io/kubernetes)
  operator=$(helm_source github.com/prometheus-operator/prometheus-operator)/example/prometheus-operator-crd/monitoring.coreos.com
  gateway=$(helm_source sigs.k8s.io/gateway-api)/config/crd/standard/gateway.networking.k8s.io
  printf '%s\n' "$kubernetes/api/openapi-spec/swagger.json" "${operator}_servicemonitors.yaml" \
    "${operator}_prometheusrules.yaml" "${gateway}_httproutes.yaml"
}

# helm_source MODULE: the folder with its files.
helm_source() {
  (cd tests/helm/sources && go mod download -json "$1") | node -p 'JSON.parse(require("node:fs").readFileSync(0, "utf8")).Dir'
}
