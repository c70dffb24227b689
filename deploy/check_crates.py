"""Checks the [bans] of deny.toml against the lock file: who may name which crate. `cargo deny check` does the same and more."""

import json
import subprocess
import sys
import tomllib

metadata = json.loads(subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--locked"]))
names = {package["id"]: package["name"] for package in metadata["packages"]}
parents = {}
for node in metadata["resolve"]["nodes"]:
    for dependency in node["deps"]:
        parents.setdefault(names[dependency["pkg"]], set()).add(names[node["id"]])

with open("deny.toml", "rb") as file:
    bans = tomllib.load(file)["bans"]["deny"]
failures = []
for ban in bans:
    strangers = parents.get(ban["crate"], set()) - set(ban.get("wrappers", []))
    if strangers:
        failures.append(f"{ban['crate']} may not be a dependency of {', '.join(sorted(strangers))}")
print("\n".join(failures) or f"{len(bans)} rules about crates hold")
sys.exit(bool(failures))
