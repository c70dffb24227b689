#!/usr/bin/env bash
# Runs every example against a server of its own. Needs python3 with venv, java, and a built target/debug/dicetower.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dicetower=$here/../../target/debug/dicetower
work=$(mktemp -d)
started=()
stop() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  rm -rf "$work"
}
trap stop EXIT

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for FILE PATTERN: until a line of the file matches.
wait_for() {
  for _ in $(seq 300); do
    grep -q "$2" "$1" 2>/dev/null && return 0
    sleep 0.1
  done
  cat "$1"
  return 1
}

python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install grpcio==1.85.1 grpcio-tools==1.85.1 grpcio-reflection==1.85.1 grpcio-health-checking==1.85.1 \
  grpcio-status==1.85.1 mcp==2.3.0
python=$work/venv/bin/python

weather=$(free_port)
"$python" "$here/python/weather.py" "$weather" >"$work/weather.out" 2>&1 &
started+=($!)
wait_for "$work/weather.out" "weather is served"

dice=$(free_port)
"$dicetower" dice --listen "127.0.0.1:$dice" --data "$work/dice" >"$work/dice.out" 2>&1 &
started+=($!)
wait_for "$work/dice.out" serving

"$dicetower" --http 127.0.0.1:0 --tcp 127.0.0.1:0 --data "$work/data" --wotr-db "$work/wotr_game.db" \
  --service "weather=http://127.0.0.1:$weather,role=player" >"$work/server.out" 2>"$work/server.err" &
started+=($!)
wait_for "$work/server.out" "Data"
url=$(sed -n 's/^  Play  *\(http:[^ ]*\).*/\1/p' "$work/server.out")

"$python" "$here/python/client.py" "127.0.0.1:$dice"
"$python" "$here/python/client.py" "${url#http://}"
java "$here/java/RollDice.java" "$url"
forecast=$(curl -s -X POST "$url/api/tools/get_forecast" -H 'Content-Type: application/json' -d '{"district": "Redmond"}')
echo "a service of one's own: $forecast"
[[ $forecast == *visibility_modifier* ]]
"$python" "$here/mcp_client.py" http "$url/mcp"
"$python" "$here/mcp_client.py" stdio "$dicetower" --data "$work/mcp" --wotr-db "$work/wotr_game.db" mcp
