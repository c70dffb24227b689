#!/bin/sh
# Plays War of the Ring with our own Java client against the server at HOST PORT: a turn; and, where the server's HTTP_URL
# and the folder of its client databases (--wotr-db FOLDER/{game}.db) are given too, games to their end: those named, else
# one of each kind (FullGame.java); one that ends in -late begins far gone. Needs a JDK, and for games a JDBC driver for
# SQLite (Debian: libxerial-sqlite-jdbc-java).
set -eu
if [ $# -ne 2 ] && [ $# -lt 4 ]; then
    echo "usage: $0 HOST PORT [HTTP_URL DATABASE_FOLDER [newer|older|person|both[-late]]...]" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
areas=$here/../../services/fsm/machines/areas.tsv
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
javac --release 17 -Xlint:all -Werror -d "$classes" "$here"/*.java
java -cp "$classes" TurnTest "$1" "$2" "$areas" "$here/opening.tsv"
[ $# -ge 4 ] || exit 0
host=$1 port=$2 url=$3 folder=$4
shift 4
[ $# -gt 0 ] || set -- newer-late older-late person-late both
for game in "$@"; do
    java -Djava.library.path=/usr/lib/"$(uname -m)"-linux-gnu/jni:/usr/lib/jni -cp "$classes:/usr/share/java/sqlite-jdbc.jar" \
        FullGame "$host" "$port" "$url" "$folder" "$areas" "$here/opening.tsv" "$game"
done
