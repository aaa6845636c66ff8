// Solves a challenge (ALTCHA v2, PBKDF2): in a worker, or where there is none in slices between which the page goes on.

const AT_ONCE = 4;

/** The milliseconds after which the work is given up. */
const LONGEST = 180_000;

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

/** Tries counters until a key begins as it must. */
const find = async (parameters, signal) => {
  for (let first = 0; ; first += AT_ONCE) {
    signal?.throwIfAborted();
    const counters = Array.from({ length: AT_ONCE }, (_, index) => first + index);
    const keys = await Promise.all(counters.map((counter) => derive(parameters, counter)));
    const found = keys.findIndex((key) => key.startsWith(parameters.keyPrefix.toLowerCase()));
    if (found >= 0) return { counter: first + found, derivedKey: keys[found] };
  }
};

// This file is the script of the worker too.
if (!globalThis.document) {
  onmessage = ({ data }) => find(data).then((found) => postMessage({ found }), (error) => postMessage({ failed: String(error) }));
}

const trust = globalThis.trustedTypes?.createPolicy("rally-work", { createScriptURL: (url) => url });

const findInWorker = (parameters, signal) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(trust ? trust.createScriptURL(import.meta.url) : import.meta.url, { type: "module" });
    const end = (settle, value) => {
      worker.terminate();
      settle(value);
    };
    worker.onmessage = ({ data }) => (data.found ? end(resolve, data.found) : end(reject, new Error(data.failed)));
    worker.onerror = () => end(reject, new Error("no worker"));
    signal.addEventListener("abort", () => end(reject, signal.reason));
    worker.postMessage(parameters);
  });

const answer = async (url, signal) => {
  const reply = await fetch(url, { cache: "no-store", signal });
  if (reply.status === 404) return "";
  if (!reply.ok) throw new Error(`status ${reply.status}`);
  const challenge = await reply.json();
  const started = performance.now();
  const found = await findInWorker(challenge.parameters, signal).catch(() => find(challenge.parameters, signal));
  const solution = { ...found, time: Math.round(performance.now() - started) };
  const json = new TextEncoder().encode(JSON.stringify({ challenge, solution }));
  return btoa(String.fromCharCode(...json));
};

/** Fetches a challenge and returns the answer to it. It is empty if none is asked for. */
export const solve = async (url, left) => {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error("the time is up")), LONGEST);
  left.addEventListener("abort", () => stop.abort(left.reason), { signal: stop.signal });
  try {
    return await answer(url, stop.signal);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
};
