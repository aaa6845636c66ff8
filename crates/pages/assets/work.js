// Solves a challenge (ALTCHA v2, PBKDF2). The browser derives keys outside of the page's own thread.

const AT_ONCE = 4;

const toBytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

const toHex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

const derive = async ({ algorithm, cost, keyLength = 32, nonce, salt }, counter) => {
  const start = toBytes(nonce);
  const password = new Uint8Array(start.length + 4);
  password.set(start);
  new DataView(password.buffer).setUint32(start.length, counter);
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const hash = algorithm.slice("PBKDF2/".length);
  return toHex(await crypto.subtle.deriveBits({ name: "PBKDF2", hash, iterations: cost, salt: toBytes(salt) }, key, keyLength * 8));
};

/** Fetches a challenge and returns the answer to it. It is empty if none is asked for. */
export const solve = async (url) => {
  const reply = await fetch(url, { cache: "no-store" });
  if (reply.status === 404) return "";
  if (!reply.ok) throw new Error(`status ${reply.status}`);
  const challenge = await reply.json();
  const started = performance.now();
  for (let first = 0; ; first += AT_ONCE) {
    const counters = Array.from({ length: AT_ONCE }, (_, index) => first + index);
    const keys = await Promise.all(counters.map((counter) => derive(challenge.parameters, counter)));
    const found = keys.findIndex((key) => key.startsWith(challenge.parameters.keyPrefix.toLowerCase()));
    if (found < 0) continue;
    const solution = { counter: first + found, derivedKey: keys[found], time: Math.round(performance.now() - started) };
    const json = new TextEncoder().encode(JSON.stringify({ challenge, solution }));
    return btoa(String.fromCharCode(...json));
  }
};
