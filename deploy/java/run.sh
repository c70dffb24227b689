#!/bin/sh
# Plays a turn of War of the Ring with our own Java client against the server at HOST PORT; needs a JDK, nothing else.
set -eu
if [ $# -ne 2 ]; then
    echo "usage: $0 HOST PORT" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
javac --release 17 -Xlint:all -Werror -d "$classes" "$here"/*.java
java -cp "$classes" TurnTest "$1" "$2" "$here/../../services/fsm/machines/areas.tsv"
