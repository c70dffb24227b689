// Verifies the rolls of a chain offline; README.md beside this file says how. Uses the platform's WebCrypto alone.
//
// In a page: `import { verify } from "./verify.js"`. On the command line: node verify.js FILE, where FILE is
// {"chain": GetCommitment, "rolls": ListRolls}.

const encode = (text) => new TextEncoder().encode(text);
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytes = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** Why nothing can be verified here, or null. */
export function missing() {
  return globalThis.crypto?.subtle ? null : "this browser offers its cryptography only over https or on localhost";
}

async function sha256(data) {
  return hex(await crypto.subtle.digest("SHA-256", typeof data === "string" ? encode(data) : data));
}

/** The faces of dice with these sides, in order. */
export async function faces(seed, clientSeeds, nonce, sides) {
  const key = await crypto.subtle.importKey("raw", seed, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  let [block, view, used] = [0, null, 32];
  const shown = [];
  for (const die of sides) {
    for (;;) {
      if (used === 32) {
        const message = `${clientSeeds}:${nonce}` + (block ? `:${block}` : "");
        view = new DataView(await crypto.subtle.sign("HMAC", key, encode(message)));
        [block, used] = [block + 1, 0];
      }
      const number = view.getUint32(used);
      used += 4;
      if (number < Math.floor(2 ** 32 / die) * die) {
        shown.push((number % die) + 1);
        break;
      }
    }
  }
  return shown;
}

/** The hash of what an entry says. */
export async function entryHash(roll) {
  const parts = ["dicetower-roll-1", roll.session, roll.rotation, roll.nonce, roll.previous_hash, roll.roll_id];
  parts.push(roll.at_ms, roll.kind, roll.player, roll.client_seeds);
  parts.push(JSON.stringify(roll.sides), JSON.stringify(roll.faces));
  for (const text of [roll.cause, roll.request, roll.answer]) parts.push(await sha256(text));
  return sha256(parts.join("\n"));
}

/** The seed that a player asked to add: field 2 of a protobuf message all of whose fields are texts. */
function addedSeed(request) {
  let [data, seed] = [bytes(request), ""];
  for (let at = 0; at < data.length; ) {
    const field = data[at++] >> 3;
    let length = data[at++];
    if (length > 127) length = (length & 127) | (data[at++] << 7);
    if (field === 2) seed = new TextDecoder().decode(data.slice(at, at + length));
    at += length;
  }
  return seed;
}

function wrong(text) {
  throw new Error(text);
}

const CHAIN = { string: "session commitment genesis previous_head head public_key signature", number: "rotation length" };
const ENTRY = {
  string: "session previous_hash roll_id kind player client_seeds cause request answer hash",
  number: "nonce rotation at_ms",
  object: "sides faces",
};

/** Refuses what has not these fields. */
function shaped(what, value, fields) {
  const isDie = (number) => Number.isSafeInteger(number) && 0 < number && number <= 2 ** 32;
  const isProper = {
    string: (field) => typeof field === "string",
    number: Number.isSafeInteger,
    object: (field) => Array.isArray(field) && field.every(isDie),
  };
  for (const [kind, names] of Object.entries(fields)) {
    const bad = names.split(" ").find((name) => !isProper[kind](value?.[name]));
    if (bad) wrong(`${what}: ${bad} is missing, or is not what it should be`);
  }
}

/** Whether Ed25519 verifies; null where the platform has none. */
async function signed(publicKey, text, signature) {
  let key;
  try {
    key = await crypto.subtle.importKey("raw", bytes(publicKey), { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    if (error.name === "NotSupportedError") return null;
    return false;
  }
  return crypto.subtle.verify({ name: "Ed25519" }, key, bytes(signature), encode(text));
}

/** Verifies a chain; answers a sentence, or throws what is wrong. */
export async function verify(file) {
  if (!Array.isArray(file?.rolls)) wrong("the file has no chain with rolls");
  const { chain } = file;
  shaped("the chain", chain, CHAIN);
  for (const [number, roll] of file.rolls.entries()) shaped(`entry ${number} of the file`, roll, ENTRY);
  const rolls = [...file.rolls].sort((one, other) => one.nonce - other.nonce);
  const { session, rotation, commitment } = chain;
  const seed = chain.server_seed ? bytes(String(chain.server_seed)) : null;
  if (seed && (await sha256(seed)) !== commitment) wrong("the seed is not the one that was committed to");
  let head = await sha256(`dicetower-chain-1\n${session}\n${rotation}\n${commitment}\n${chain.previous_head}`);
  if (head !== chain.genesis) wrong("the chain does not begin where it says");
  let [clientSeeds, erased] = [[], 0];
  for (const [nonce, roll] of rolls.entries()) {
    const where = `entry ${nonce} (${roll.roll_id})`;
    const stands = roll.session === session && roll.rotation === rotation && roll.nonce === nonce;
    if (!stands) wrong(`${where}: an entry is missing, or stands in another place`);
    if (roll.previous_hash !== head) wrong(`${where}: it does not follow on the entry before it`);
    const isChanged = (await entryHash(roll)) !== roll.hash;
    if (isChanged && !`${roll.player}${roll.cause}`.includes("(erased)")) wrong(`${where}: it was changed`);
    erased += isChanged;
    if (rolls[nonce - 1]?.kind === "RevealSeed") wrong(`${where}: it was made after the seed was revealed`);
    if (roll.kind === "AddClientSeed") clientSeeds.push(addedSeed(roll.request));
    if (roll.client_seeds !== clientSeeds.join()) wrong(`${where}: its client seeds are not those that were added before it`);
    if (seed && `${await faces(seed, roll.client_seeds, nonce, roll.sides)}` !== `${roll.faces}`) {
      wrong(`${where}: the seed gives other faces`);
    }
    head = roll.hash;
  }
  if (rolls.length !== chain.length || head !== chain.head) wrong("the last entry is not the head of the chain");
  if (seed && rolls.at(-1)?.kind !== "RevealSeed") wrong("the seed is known, but the last entry does not reveal it");
  const text = `dicetower-head-1\n${session}\n${rotation}\n${rolls.length}\n${head}\n${commitment}`;
  const signature = await signed(chain.public_key, text, chain.signature);
  if (signature === false) wrong("the head is not signed by its key");
  const headTold = signature ? "the head is signed" : "the signature was not verified: Ed25519 is missing here";
  const secret = commitment ? "the seed is secret" : "nothing was committed to";
  const told = seed ? "every face follows from the seed" : `${secret}, so faces were not verified`;
  const gone = erased ? `; the hashes of ${erased} erased entries were not verified` : "";
  return `${rolls.length} entries, ${headTold}, ${told}${gone}`;
}

if (typeof process !== "undefined" && process.argv[1]?.endsWith("verify.js")) {
  const { readFileSync } = await import("node:fs");
  try {
    console.log("ok:", await verify(JSON.parse(readFileSync(process.argv[2], "utf8"))));
  } catch (error) {
    console.error(`wrong: ${error.message}`);
    process.exitCode = 1;
  }
}
