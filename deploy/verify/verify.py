#!/usr/bin/env python3
"""Verifies the rolls of a chain offline; README.md beside this file says how. Needs Python alone.

Use: verify.py FILE, where FILE is {"chain": GetCommitment, "rolls": ListRolls}.
"""

import hashlib
import hmac
import json
import sys


def need(holds, wrong):
    if not holds:
        raise ValueError(wrong)


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def faces(seed, client_seeds, nonce, sides):
    """The faces of dice with these sides, in order."""
    stream, block, shown = b"", 0, []
    for die in sides:
        while True:
            if len(stream) < 4:
                message = f"{client_seeds}:{nonce}" + (f":{block}" if block else "")
                stream += hmac.new(seed, message.encode(), hashlib.sha256).digest()
                block += 1
            number, stream = int.from_bytes(stream[:4], "big"), stream[4:]
            if number < 2**32 // die * die:
                shown.append(number % die + 1)
                break
    return shown


def entry_hash(roll):
    plain = "session rotation nonce previous_hash roll_id at_ms kind player client_seeds".split()
    parts = ["dicetower-roll-1"] + [str(roll[name]) for name in plain]
    parts += [json.dumps(roll[name], separators=(",", ":")) for name in ("sides", "faces")]
    parts += [sha256(roll[name]) for name in ("cause", "request", "answer")]
    return sha256("\n".join(parts))


def added_seed(request):
    """The seed that a player asked to add: field 2 of a protobuf message all of whose fields are texts."""
    data, seed = bytes.fromhex(request), b""
    while data:
        field, length, data = data[0] >> 3, data[1], data[2:]
        if length > 127:
            length, data = length & 127 | data[0] << 7, data[1:]
        seed, data = data[:length] if field == 2 else seed, data[length:]
    return seed.decode()


def shaped(what, value, texts, numbers, lists=""):
    """Refuses what has not these fields."""
    for names, kind in (texts, str), (numbers, int), (lists, list):
        for name in names.split():
            field = value.get(name) if isinstance(value, dict) else None
            proper = type(field) is kind and (kind is not list or all(type(it) is int and 0 < it <= 2**32 for it in field))
            need(proper, f"{what}: {name} is missing, or is not what it should be")


# Ed25519 verification (RFC 8032), since Python has none of its own.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    product = (0, 1, 1, 0)
    while number:
        if number & 1:
            product = add(product, point)
        point, number = add(point, point), number >> 1
    return product


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x * ROOT % P if (x * x - square) % P else x
    need(y < P and (x * x - square) % P == 0 and (x or not sign), "the public key or the signature is no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def signed(public_key, message, signature):
    public_key, signature = bytes.fromhex(public_key), bytes.fromhex(signature)
    need(len(public_key) == 32 and len(signature) == 64, "the public key or the signature has another length")
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    base = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    left, right = times(s, base), add(point(signature[:32]), times(h, point(public_key)))
    return s < ORDER and all((left[axis] * right[2] - right[axis] * left[2]) % P == 0 for axis in (0, 1))


def verify(file):
    need(isinstance(file, dict) and isinstance(file.get("rolls"), list), "the file has no chain with rolls")
    chain, rolls = file.get("chain"), file["rolls"]
    shaped("the chain", chain, "session commitment genesis previous_head head public_key signature", "rotation length")
    texts = "session previous_hash roll_id kind player client_seeds cause request answer hash"
    for number, roll in enumerate(rolls):
        shaped(f"entry {number} of the file", roll, texts, "nonce rotation at_ms", "sides faces")
    rolls.sort(key=lambda roll: roll["nonce"])
    name, rotation, commitment = chain["session"], chain["rotation"], chain["commitment"]
    seed = bytes.fromhex(chain.get("server_seed") or "")
    need(not seed or hashlib.sha256(seed).hexdigest() == commitment, "the seed is not the one that was committed to")
    head, client_seeds = sha256(f"dicetower-chain-1\n{name}\n{rotation}\n{commitment}\n{chain['previous_head']}"), []
    need(head == chain["genesis"], "the chain does not begin where it says")
    for nonce, roll in enumerate(rolls):
        where = f"entry {nonce} ({roll['roll_id']})"
        need((roll["session"], roll["rotation"], roll["nonce"]) == (name, rotation, nonce), f"{where}: an entry is missing")
        need(roll["previous_hash"] == head, f"{where}: it does not follow on the entry before it")
        need(entry_hash(roll) == roll["hash"] or "(erased)" in roll["player"] + roll["cause"], f"{where}: it was changed")
        need(not nonce or rolls[nonce - 1]["kind"] != "RevealSeed", f"{where}: it was made after the seed was revealed")
        client_seeds += [added_seed(roll["request"])] if roll["kind"] == "AddClientSeed" else []
        joined = ",".join(client_seeds)
        need(roll["client_seeds"] == joined, f"{where}: its client seeds are not those that were added before it")
        need(not seed or faces(seed, joined, nonce, roll["sides"]) == roll["faces"], f"{where}: the seed gives other faces")
        head = roll["hash"]
    need((len(rolls), head) == (chain["length"], chain["head"]), "the last entry is not the head of the chain")
    need(not seed or rolls and roll["kind"] == "RevealSeed", "the seed is known, but the last entry does not reveal it")
    text = f"dicetower-head-1\n{name}\n{rotation}\n{len(rolls)}\n{head}\n{commitment}"
    need(signed(chain["public_key"], text.encode(), chain["signature"]), "the head is not signed by its key")
    shown = "the seed is secret" if commitment else "nothing was committed to"
    shown = "every face follows from the seed" if seed else f"{shown}, so faces were not verified"
    erased = sum(entry_hash(roll) != roll["hash"] for roll in rolls)
    shown += f"; the hashes of {erased} erased entries were not verified" if erased else ""
    return f"{len(rolls)} entries, the head is signed, {shown}"


if __name__ == "__main__":
    try:
        with open(sys.argv[1], encoding="utf-8") as opened:
            print("ok:", verify(json.load(opened)))
    except (IndexError, ValueError, TypeError, RecursionError, OSError) as error:
        sys.exit(f"wrong: {error}")
