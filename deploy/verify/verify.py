#!/usr/bin/env python3
"""Verifies the rolls of a chain offline; README.md beside this file says how. Needs Python alone.

Use: verify.py FILE, where FILE is {"chain": GetCommitment, "rolls": ListRolls}.
"""

import hashlib
import hmac
import json
import sys


class Wrong(Exception):
    """Something in the file is not what it should be."""


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


def compact(numbers):
    return json.dumps(numbers, separators=(",", ":"))


def entry_hash(roll):
    parts = ["dicetower-roll-1", roll["session"], roll["rotation"], roll["nonce"], roll["previous_hash"], roll["roll_id"]]
    parts += [roll["at_ms"], roll["kind"], roll["player"], roll["client_seeds"], compact(roll["sides"]), compact(roll["faces"])]
    parts += [sha256(roll["cause"]), sha256(roll["request"]), sha256(roll["answer"])]
    return sha256("\n".join(str(part) for part in parts))


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
    if (x * x - square) % P:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise Wrong("the public key or the signature is no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def signed(public_key, message, signature):
    if len(public_key) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    base = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    left, right = times(s, base), add(point(signature[:32]), times(h, point(public_key)))
    same = (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0
    return s < ORDER and same


def verify(file):
    chain, rolls = file["chain"], sorted(file["rolls"], key=lambda roll: roll["nonce"])
    name, rotation, commitment = chain["session"], chain["rotation"], chain["commitment"]
    seed = bytes.fromhex(chain.get("server_seed") or "")
    if seed and hashlib.sha256(seed).hexdigest() != commitment:
        raise Wrong("the seed is not the one that was committed to")
    head = sha256(f"dicetower-chain-1\n{name}\n{rotation}\n{commitment}\n{chain['previous_head']}")
    if head != chain["genesis"]:
        raise Wrong("the chain does not begin where it says")
    for nonce, roll in enumerate(rolls):
        where = f"entry {nonce} ({roll['roll_id']})"
        if (roll["session"], roll["rotation"], roll["nonce"]) != (name, rotation, nonce):
            raise Wrong(f"{where}: an entry is missing, or stands in another place")
        if roll["previous_hash"] != head:
            raise Wrong(f"{where}: it does not follow on the entry before it")
        if entry_hash(roll) != roll["hash"]:
            raise Wrong(f"{where}: it was changed")
        if seed and faces(seed, roll["client_seeds"], nonce, roll["sides"]) != roll["faces"]:
            raise Wrong(f"{where}: the seed gives other faces")
        head = roll["hash"]
    if (len(rolls), head) != (chain["length"], chain["head"]):
        raise Wrong("the last entry is not the head of the chain")
    text = f"dicetower-head-1\n{name}\n{rotation}\n{len(rolls)}\n{head}\n{commitment}"
    if not signed(bytes.fromhex(chain["public_key"]), text.encode(), bytes.fromhex(chain["signature"])):
        raise Wrong("the head is not signed by its key")
    shown = "every face follows from the seed" if seed else "the seed is secret, so faces were not verified"
    return f"{len(rolls)} entries, the head is signed, {shown}"


if __name__ == "__main__":
    try:
        with open(sys.argv[1], encoding="utf-8") as opened:
            print("ok:", verify(json.load(opened)))
    except (Wrong, KeyError, IndexError, ValueError, OSError) as error:
        sys.exit(f"wrong: {error!r}" if not isinstance(error, Wrong) else f"wrong: {error}")
