// The sign-up form of a waitlist as an element: <rally-waitlist list="workspace/waitlist"></rally-waitlist>.
(() => {
  "use strict";
  if (customElements.get("rally-waitlist")) return;

  // A module has no current script.
  const script = document.currentScript ?? document.querySelector('script[type=module][src*="/widget.js"]');
  const home = script?.src && new URL(".", script.src).href;

  // The server writes them here: what is shown where there is no form, by language.
  const TEXTS = {};

  const css = `
:host{display:block}
:host([hidden]){display:none}
*,::before{box-sizing:border-box}
[hidden]{display:none!important}
.box{display:block;background:var(--rally-background,transparent);color:var(--rally-text,inherit);font-family:var(--rally-font,inherit);
font-size:max(1em,1rem);font-style:normal;font-weight:400;line-height:1.5;letter-spacing:normal;word-spacing:normal;
text-align:start;text-indent:0;text-shadow:none;text-transform:none;white-space:normal;word-break:normal;overflow-wrap:break-word;
cursor:auto;user-select:text;-webkit-user-select:text}
.framed{padding:1.5rem;border-radius:var(--rally-radius,8px)}
p{margin:0 0 .75rem}
form{margin:0}
.field{min-inline-size:0;margin:2rem 0 0;padding:0;border:0}
.field:has(>.error:not(:empty)){margin-block-start:.5rem}
.field:first-child{margin-block-start:0}
[dir=auto]:not(input,textarea){text-align:-webkit-match-parent;text-align:match-parent}
label,legend{display:block;padding:0;margin-block-end:.5rem;font-weight:600}
.hint{margin:-.25rem 0 .5rem;font-size:.875rem}
.error{margin:0 0 3px;font-size:.875rem;font-weight:600}
.error:empty{display:none}
.error::before,.told::before{content:"!" / "";display:inline-block;inline-size:1.25em;margin-inline-end:.5em;border:1px solid;border-radius:50%;font-size:.8em;line-height:1.15em;text-align:center}
input:not([type=checkbox],[type=radio]),select,textarea{display:block;inline-size:100%;min-block-size:3rem;padding:.75rem;border:1px solid;border-radius:var(--rally-radius,8px);background:var(--rally-background,transparent);color:inherit;font:inherit}
option{color:CanvasText;background:Canvas}
textarea{resize:vertical}
::placeholder{color:inherit;opacity:.75}
[aria-invalid=true]:not(fieldset){box-shadow:inset 0 0 0 1px}
.tick{display:flex;gap:.75rem;align-items:flex-start;margin:0;padding-block:.5rem;font-weight:400}
.tick span{min-inline-size:0;white-space:pre-line}
.tick input{flex:none;inline-size:1.5rem;block-size:1.5rem;margin:0;accent-color:var(--color)}
.tick [aria-invalid=true]{border-radius:3px;box-shadow:0 0 0 2px}
button,.open{display:block;inline-size:100%;min-block-size:3rem;margin-block-start:1.5rem;padding:.5rem 1.5rem;border:1px solid var(--on);border-radius:var(--rally-radius,8px);background:var(--color);color:var(--on);font:inherit;font-weight:600;line-height:1.9;text-align:center;text-decoration:none;cursor:pointer}
:is(button,.open):hover{background:color-mix(in srgb,var(--color),var(--away) 12%)}
:is(button,.open):active{background:color-mix(in srgb,var(--color),var(--away) 24%)}
[aria-disabled]{cursor:progress}
:focus-visible{outline:3px solid var(--ink,currentcolor);outline-offset:2px}
.told{margin-block:1rem 0;font-weight:600}
.status{min-block-size:1.5em;margin-block:.5rem 0}
.open+.links{margin-block-start:.75rem}
.links{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;font-size:.875rem}
:is(.links,.told) a{color:inherit;padding-block:.25rem}
.done{outline:none}
.title{margin:0 0 .75rem;font-size:1.375rem;font-weight:650;line-height:1.2}
.lead{margin-block-end:1.5rem;white-space:pre-line}
.place{font-size:1.125rem}
.place b{display:block;font-size:4rem;line-height:1.1;font-variant-numeric:tabular-nums}
.apart{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (forced-colors:active){[aria-invalid=true]:not(fieldset){border-width:3px}}
`;

  /** Makes an element. A child that is text stays text. */
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  };

  /** Makes a link. One that opens a tab says so to people who cannot see it. */
  const makeLink = (href, text, opens, attributes) => {
    const tab = opens && { target: "_blank", rel: "noopener" };
    return make("a", { href, ...attributes, ...tab }, text, opens ? make("span", { class: "apart" }, ` ${opens}`) : "");
  };

  /** Makes a link that looks like a button. The pages that it leads to stand in no frame. */
  const makeButton = (href, text, texts) => makeLink(href, text, self !== top && texts.opens_new_tab, { class: "open" });

  const isWeb = (url) => /^https?:\/\//i.test(url ?? "");

  const isHere = (url) => url.split(/[?#]/)[0] === location.href.split(/[?#]/)[0];

  /** Returns the element that another one gets its inherited styles from, also across the borders of shadow trees. */
  const above = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host;

  const languageOf = (element) => {
    for (let at = element; at; at = above(at)) if (at.getAttribute("lang")) return at.getAttribute("lang");
    return undefined;
  };

  /** Sends a request and returns the object of its reply. Whatever else comes is thrown as an error with a code. */
  const ask = async (url, options) => {
    const reply = await fetch(url, options).catch((error) => {
      throw { code: "network", message: "there is no connection", aborted: error.name === "AbortError" };
    });
    const answer = await reply.json().catch(() => undefined);
    const isObject = typeof answer === "object" && answer !== null;
    if (reply.ok && isObject) return answer;
    const known = isObject && typeof answer.code === "string" ? answer : { code: "unavailable", message: `status ${reply.status}` };
    throw { ...known, status: reply.status, wait: Number(reply.headers.get("retry-after")) };
  };

  const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

  const channels = (color) => {
    const context = make("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data;
  };

  /** Returns black or white, the one that contrasts more with a colour. */
  const textOn = (color) => {
    const [red, green, blue] = [...channels(color)].map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.1791 ? "#000" : "#fff";
  };

  /** Tries counters until a key begins as it must (ALTCHA v2, PBKDF2). A worker runs this function by itself. */
  const find = async ({ algorithm, cost, keyLength = 32, keyPrefix, nonce, salt }, signal) => {
    const toBytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    const start = toBytes(nonce);
    const derive = async (counter) => {
      const password = new Uint8Array(start.length + 4);
      password.set(start);
      new DataView(password.buffer).setUint32(start.length, counter);
      const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
      const how = { name: "PBKDF2", hash: algorithm.slice(7), iterations: cost, salt: toBytes(salt) };
      const bits = await crypto.subtle.deriveBits(how, key, keyLength * 8);
      return Array.from(new Uint8Array(bits), (byte) => byte.toString(16).padStart(2, "0")).join("");
    };
    for (let first = 0; ; first += 4) {
      signal?.throwIfAborted();
      const keys = await Promise.all([0, 1, 2, 3].map((index) => derive(first + index)));
      const found = keys.findIndex((key) => key.startsWith(keyPrefix.toLowerCase()));
      if (found >= 0) return { counter: first + found, derivedKey: keys[found] };
    }
  };

  /** Does the same in a worker. Not every page allows one. */
  const findInWorker = (parameters, signal) =>
    new Promise((resolve, reject) => {
      const code = `const find=${find};onmessage=({data})=>find(data).then(found=>postMessage({found}),()=>postMessage({}))`;
      const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
      const worker = new Worker(url);
      const end = (settle, value) => {
        worker.terminate();
        URL.revokeObjectURL(url);
        settle(value);
      };
      worker.onmessage = ({ data }) => (data.found ? end(resolve, data.found) : end(reject, new Error("no solution")));
      worker.onerror = () => end(reject, new Error("no worker"));
      signal.addEventListener("abort", () => end(reject, signal.reason));
      worker.postMessage(parameters);
    });

  // A page of an insecure connection has no means to solve a challenge.
  const canSolve = Boolean(globalThis.crypto?.subtle);

  /** Fetches a challenge and returns the answer to it. There is none if none is asked for. The work is given up after three minutes. */
  const solve = async (url, left) => {
    if (!canSolve) return undefined;
    const stop = new AbortController();
    const { signal } = stop;
    const timer = setTimeout(() => stop.abort(), 180_000);
    left.addEventListener("abort", () => stop.abort(), { signal });
    try {
      const challenge = await ask(url, { cache: "no-store", signal });
      const started = performance.now();
      const found = await findInWorker(challenge.parameters, signal).catch(() => find(challenge.parameters, signal));
      const solution = { ...found, time: Math.round(performance.now() - started) };
      return btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify({ challenge, solution }))));
    } catch (error) {
      if (error.status === 404) return undefined;
      if (typeof error.code === "string" && !error.aborted) throw error;
      throw { code: "proof_of_work_failed", message: "the challenge was not solved" };
    } finally {
      clearTimeout(timer);
      stop.abort();
    }
  };

  /** Reads a number with the separators of a language. What is no number stays a text. */
  const toNumber = (text, [decimal, thousands]) => {
    const digit = (sign) => String.fromCharCode(sign.charCodeAt(0) % 16 + 48);
    const plain = text.replace(/[\s'’]/g, "").replace(/[٠-٩]/g, digit).replace(/[０-９]/g, digit).replace("−", "-");
    const grouped = new RegExp(`^[+-]?\\d{1,3}(\\${thousands}\\d{3})+$`).test(plain);
    const isLocal = plain.includes(decimal) || grouped;
    const number = isLocal ? plain.replaceAll(thousands, "").replace(decimal, ".") : plain.replace(thousands, ".");
    return /^[+-]?\d+(\.\d*)?$/.test(number) ? Number(number) : text;
  };

  /** Makes the field of a control, with functions that read, judge and mark it. */
  const makeField = (control, texts, separators) => {
    const { name, shape } = control;
    const id = name.replace(".", "-");
    const error = make("p", { class: "error", id: `${id}-error` });
    const hint = control.hint ? make("p", { class: "hint", id: `${id}-hint`, dir: "auto" }, control.hint) : "";
    const describedBy = `${hint ? `${id}-hint ` : ""}${id}-error`;
    const common = { id, name, "aria-describedby": describedBy, "aria-invalid": "false", required: control.required };
    const tick = (type, index, value, label) => {
      const input = make("input", { type, id: index ? `${id}-${index}` : id, name, value, "aria-invalid": "false" });
      return [input, make("label", { class: "tick" }, input, make("span", { dir: "auto" }, label))];
    };
    let inputs;
    let element;
    if (shape === "several" || shape === "yes_no") {
      const options = shape === "several" ? control.options.map((option) => [option, option]) : [["true", texts.yes], ["false", texts.no]];
      const made = options.map(([value, label], index) => tick(shape === "several" ? "checkbox" : "radio", index, value, label));
      inputs = made.map(([input]) => input);
      const legend = make("legend", { dir: "auto" }, control.label);
      const group = { role: shape === "yes_no" && "radiogroup", "aria-required": shape === "yes_no" && "true" };
      const labels = made.map(([, label]) => label);
      element = make("fieldset", { class: "field", "aria-describedby": describedBy, ...group }, legend, hint, error, ...labels);
    } else if (shape === "tick") {
      const [input, label] = tick("checkbox", 0, "true", control.label);
      input.setAttribute("aria-describedby", describedBy);
      input.required = control.required;
      inputs = [input];
      element = make("div", { class: "field" }, hint, error, label);
    } else {
      const { autocomplete, inputmode, placeholder, type } = control;
      const dir = /^(email|url|tel)$/.test(type) ? "ltr" : "auto";
      const input =
        shape === "choice"
          ? make("select", common, ...["", ...control.options].map((option) => make("option", { value: option }, option || texts.choose)))
          : shape === "lines"
            ? make("textarea", { ...common, rows: 4, dir, placeholder })
            : make("input", { ...common, type, dir, autocomplete, inputmode, placeholder });
      inputs = [input];
      element = make("div", { class: "field" }, make("label", { for: id, dir: "auto" }, control.label), hint, error, input);
    }
    const chosen = () => inputs.filter((input) => input.checked).map((input) => input.value);
    const read = () => {
      if (shape === "several") return chosen();
      if (shape === "yes_no") return chosen().length ? chosen()[0] === "true" : "";
      if (shape === "tick") return inputs[0].checked || "";
      const text = inputs[0].value.trim();
      return control.inputmode === "decimal" && text ? toNumber(text, separators) : text;
    };
    const problem = () => {
      const value = read();
      if (inputs[0].validity.badInput) return control.wrong;
      if (value === "" || (Array.isArray(value) && value.length === 0)) return control.required ? control.missing : "";
      if (control.long && shape.startsWith("line") && [...value].length > control.long[0]) return control.long[1];
      if (control.inputmode === "decimal") return typeof value === "number" ? "" : control.wrong;
      if (control.type === "email") return /^[^\s@]+@[^\s@]+$/.test(value) ? "" : control.wrong;
      if (control.type === "url") return isWeb(value) ? "" : control.wrong;
      return "";
    };
    const tell = (text) => {
      error.textContent = text;
      for (const input of shape === "yes_no" ? [element, ...inputs] : inputs) input.setAttribute("aria-invalid", String(text !== ""));
    };
    const isTold = () => error.textContent !== "";
    element.addEventListener("input", () => isTold() && tell(problem()));
    element.addEventListener("focusout", (event) => {
      const value = read();
      if (!element.contains(event.relatedTarget) && value !== "" && value.length !== 0) tell(problem());
    });
    const typed = () => inputs.map(({ value, checked }) => [value, checked]);
    const retype = (typed) => inputs.forEach((input, index) => typed[index] && ([input.value, input.checked] = typed[index]));
    return { element, name, read, problem, tell, isTold, typed, retype, focus: () => inputs[0].focus(), wrong: control.wrong };
  };

  class RallyWaitlist extends HTMLElement {
    static observedAttributes = ["list", "lang", "server"];

    #root = this.attachShadow({ mode: "open" });
    /** Ends what watches the page once the element leaves it. */
    #here;
    /** The address of the form that is being loaded, and what ends that. */
    #wanted;
    #loading = new AbortController();
    /** Ends the work of a form that is gone. */
    #stop = new AbortController();
    /** The form that is shown: where it is from, its document, and what it is sent with. */
    #shown;
    #fields = [];
    /** The reply of the sign-up. */
    #answer;
    /** A form that is being sent. */
    #sending;
    #isPlanned = false;
    #hasFailed = false;
    #painting = 0;

    constructor() {
      super();
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      this.#root.adoptedStyleSheets = [sheet];
      // What the page wrote inside of the element is shown until the form is there.
      this.#root.append(make("slot"));
    }

    connectedCallback() {
      this.#here = new AbortController();
      if (this.#stop.signal.aborted) this.#stop = new AbortController();
      this.#watch(this.#here.signal);
      this.#paintSoon();
      this.#plan();
    }

    disconnectedCallback() {
      this.#here.abort();
      this.#cancel();
      // An element that moves is back by then.
      queueMicrotask(() => this.isConnected || this.#sending || this.#stop.abort());
    }

    attributeChangedCallback(_, before, after) {
      if (this.isConnected && before !== after) this.#plan();
    }

    #emit(name, detail) {
      // The page hears of a sign-up also if it took the element away meanwhile.
      const from = this.isConnected ? this : document;
      from.dispatchEvent(new CustomEvent(`rally:${name}`, { bubbles: true, composed: true, detail }));
    }

    /** Notices what changes the colours, the language, or the connection. */
    #watch(signal) {
      const paint = () => this.#paintSoon();
      const observer = new MutationObserver((changes) => {
        if (changes.some(({ attributeName }) => attributeName === "lang")) this.#plan();
        paint();
      });
      for (let at = this; at; at = above(at)) observer.observe(at, { attributes: true });
      if (document.head) observer.observe(document.head, { attributes: true, childList: true, subtree: true });
      signal.addEventListener("abort", () => observer.disconnect());
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint, { signal });
      document.addEventListener("load", ({ target }) => /^(link|style)$/.test(target.localName) && paint(), { capture: true, signal });
      document.addEventListener("transitionend", ({ propertyName }) => /color|^--/.test(propertyName) && paint(), { signal });
      this.addEventListener("focusin", paint, { signal });
      addEventListener("online", () => this.#hasFailed && this.#plan(), { signal });
    }

    /** Loads the form once for all that changes at a time. */
    #plan() {
      if (this.#isPlanned) return;
      this.#isPlanned = true;
      queueMicrotask(() => {
        this.#isPlanned = false;
        if (this.isConnected) this.#load();
      });
    }

    /** Shows a box, and keeps the focus in it if it was in the one before. */
    #show(box) {
      const focused = this.#root.activeElement;
      this.#root.replaceChildren(box);
      this.#paint();
      if (focused) (this.#root.getElementById(focused.id) ?? box.querySelector("input, a, [tabindex]"))?.focus();
    }

    #cancel() {
      this.#loading.abort();
      this.#wanted = undefined;
    }

    async #load() {
      const path = (this.getAttribute("list") ?? "").trim().split("/").map(encodeURIComponent).join("/");
      const server = `${this.getAttribute("server") ?? home ?? ""}/`.replace(/\/+$/, "/");
      if (path && !isWeb(server)) console.error("rally-waitlist: name the server in the attribute server");
      if (!path || !isWeb(server)) return this.#cancel();
      const lang = languageOf(this);
      const from = { server, path, address: `${server}w/${path}/widget.json${lang ? `?lang=${encodeURIComponent(lang)}` : ""}` };
      if (from.address === this.#wanted) return;
      this.#cancel();
      if (from.address === this.#shown?.address) return;
      this.#wanted = from.address;
      this.#loading = new AbortController();
      const { signal } = this.#loading;
      try {
        const data = await ask(from.address, { cache: "no-store", signal });
        // A form that is being sent is not taken away.
        await this.#sending;
        if (signal.aborted) return;
        this.#wanted = undefined;
        this.#hasFailed = false;
        this.#build(data, from);
      } catch (error) {
        if (signal.aborted) return;
        this.#wanted = undefined;
        this.#hasFailed = true;
        this.#emit("error", { code: "unavailable", message: error.status ? `status ${error.status}` : "the form cannot be loaded" });
        if (server !== this.#shown?.server || path !== this.#shown.path) this.#tellFailure(lang ?? navigator.language);
      }
    }

    /** Shows what the page wrote inside of the element, else that there is no form. */
    #tellFailure(wanted) {
      this.#shown = undefined;
      if (this.children.length || this.textContent.trim()) return this.#root.replaceChildren(make("slot"));
      const primary = (tag) => tag.toLowerCase().split(/[-_]/)[0];
      const lang = Object.keys(TEXTS).find((tag) => primary(tag) === primary(wanted)) ?? "en";
      const [told, again] = TEXTS[lang];
      const button = make("button", { type: "button", id: "again" }, again);
      button.addEventListener("click", () => this.#load());
      const dir = /^(ar|he)$/.test(lang) ? "rtl" : "ltr";
      const box = this.#box({ lang, dir });
      box.append(make("p", { role: "status" }, told), button);
      this.#show(box);
    }

    #build(data, from) {
      const { texts } = data;
      const { server, path } = from;
      const before = this.#shown?.server === server && this.#shown.path === path ? this.#shown : undefined;
      const typed = new Map(before && this.#fields.map((field) => [field.name, field]));
      if (!before) this.#answer = undefined;
      // The work of the form before is not awaited any more.
      this.#stop.abort();
      this.#stop = new AbortController();
      // The time counts from the first showing.
      this.#shown = { ...from, data, seal: before?.seal ?? data.form, since: before?.since ?? performance.now() };
      this.#fields = [];
      const box = this.#box(data);
      if (this.#answer) return this.#join();
      const links = make("p", { class: "links" });
      for (const { text, url } of data.links) links.append(makeLink(new URL(url, server), text, texts.opens_new_tab));
      if (data.closed) {
        const { title, body, link } = data.closed;
        const told = [make("p", { class: "title" }, title), make("p", {}, body)];
        box.append(make("div", { class: "done", tabindex: -1, role: "status" }, ...told));
        if (isWeb(link?.url) && !isHere(link.url)) box.append(makeButton(link.url, link.text, texts));
        box.append(links);
        return this.#show(box);
      }
      const fields = data.controls.map((control) => makeField(control, texts, data.separators));
      const { consent } = data;
      if (consent) {
        const { text, missing } = consent;
        fields.push(makeField({ name: "consent", shape: "tick", label: text, required: true, missing, wrong: missing }, texts));
      }
      // Nobody has agreed to another text.
      if (consent?.sha256 !== before?.data.consent?.sha256) typed.delete("consent");
      for (const field of fields) {
        const old = typed.get(field.name);
        if (old) field.retype(old.typed());
        if (old?.isTold()) field.tell(field.problem());
      }
      this.#fields = fields;
      const website = make("input", { id: "website", name: "website", type: "text", tabindex: -1, autocomplete: "off" });
      const apart = make("div", { class: "apart", "aria-hidden": "true" }, make("label", { for: "website" }, texts.leave_empty), website);
      const told = make("p", { class: "told", role: "alert", hidden: true });
      const status = make("p", { class: "status", role: "status", "aria-live": "polite" });
      const button = make("button", { id: "join" }, texts.join);
      const elements = [...fields.map(({ element }) => element), apart, button, told];
      const form = make("form", { novalidate: true, "aria-label": data.name }, ...elements);
      if (this.hasAttribute("heading")) {
        box.append(make("h2", { class: "title", lang: data.words }, make("bdi", {}, data.name)));
        if (data.description) box.append(make("p", { class: "lead", dir: "auto", lang: data.words }, data.description));
      }
      // A status inside of a form that is busy would be announced late.
      box.append(form, status, links);
      let work;
      let begun;
      const prepare = () => {
        // A challenge works for ten minutes.
        if (performance.now() - begun > 480_000) work = undefined;
        if (!work && data.challenge) {
          begun = performance.now();
          work = solve(new URL(data.challenge, server), this.#stop.signal);
          // The next try has a challenge of its own.
          work.catch(() => (work = undefined));
        }
        return work;
      };
      form.addEventListener("focusin", prepare, { once: true });

      const body = (proof) => {
        const values = Object.fromEntries(fields.map(({ name, read }) => [name, read()]));
        const metadata = {};
        for (const [name, value] of Object.entries(values)) {
          if (name.startsWith("metadata.") && value !== "" && value.length !== 0) metadata[name.slice(9)] = value;
        }
        return JSON.stringify({
          email: values.email,
          name: values.name,
          metadata,
          referral_code: this.#code(),
          referrer: this.#referrer(),
          variant_id: data.variant_id,
          locale: languageOf(this),
          consent: consent ? values.consent === true : undefined,
          consent_sha256: consent?.sha256,
          website: website.value,
          form: this.#shown.seal,
          proof_of_work: proof,
        });
      };

      const send = async (say) => {
        const { since } = this.#shown;
        for (let attempt = 0; ; attempt++) {
          say(data.challenge ? texts.working : texts.sending);
          const proof = await prepare();
          say(texts.sending);
          // Rally refuses a form that comes back within two seconds.
          await pause(since + 2100 - performance.now());
          try {
            const options = { method: "POST", headers: { "content-type": "application/json" }, body: body(proof) };
            return await ask(`${server}v1/waitlists/${path}/entries`, { ...options, signal: AbortSignal.timeout(60_000) });
          } catch (error) {
            if (error.code !== "too_fast" || attempt === 4) {
              work = undefined;
              throw error;
            }
            await pause(error.wait * 1000 || 500);
          }
        }
      };

      const explain = ({ code, wait }) => {
        const { errors } = texts;
        if (code === "proof_of_work_failed" && !canSolve) return errors.insecure;
        const waits = errors.too_many_requests_for;
        if (code === "too_many_requests" && wait) return (waits.find(([minutes]) => minutes * 60 >= wait) ?? waits.at(-1))[1];
        return errors[code] ?? errors.other;
      };

      const refuse = (answer) => {
        const known = (answer.errors ?? []).map(({ field }) => fields.find(({ name }) => name === field)).filter(Boolean);
        for (const field of known) field.tell(field.problem() || (field === fields[0] ? texts.errors.email_refused : field.wrong));
        if (answer.code === "email_taken") {
          fields[0].tell(texts.errors.email_taken);
          known.push(fields[0]);
        }
        if (known.length) return known[0].focus();
        told.replaceChildren(explain(answer));
        if (answer.code === "origin_not_allowed") told.append(" ", makeLink(this.#page(), texts.form_open, texts.opens_new_tab));
        told.hidden = false;
      };

      /** Shows why the waitlist takes nobody now, or the text that people agree to now. */
      const isOutdated = async ({ code, errors }) => {
        const isShut = code === "waitlist_not_active" || code === "waitlist_full";
        if (!isShut && !errors?.some(({ field }) => field === "consent")) return false;
        const now = await ask(from.address, { cache: "no-store" }).catch(() => undefined);
        if (!now || (isShut ? !now.closed : now.consent?.sha256 === consent?.sha256)) return false;
        this.#build(now, from);
        const box = this.#fields.find(({ name }) => name === "consent");
        box?.tell(box.problem());
        (box ?? this.#root.querySelector(".done")).focus();
        return true;
      };

      const submit = async () => {
        let isLate = false;
        let said = "";
        const say = (text) => {
          said = text;
          if (isLate) status.textContent = said;
        };
        const timer = setTimeout(() => {
          isLate = true;
          say(said);
        }, 300);
        button.setAttribute("aria-disabled", "true");
        form.setAttribute("aria-busy", "true");
        const settle = () => {
          clearTimeout(timer);
          button.removeAttribute("aria-disabled");
          form.removeAttribute("aria-busy");
          status.textContent = "";
        };
        try {
          this.#answer = await send(say);
          settle();
          this.#join();
          this.#root.querySelector(".done").focus();
          this.#emit("joined", this.#answer);
        } catch (error) {
          settle();
          const answer = typeof error.code === "string" ? error : { code: "unavailable", message: "the form cannot be sent" };
          if (!(await isOutdated(answer))) refuse(answer);
          this.#emit("error", { code: answer.code, message: answer.message });
        }
        this.#sending = undefined;
      };

      form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (this.#sending) return;
        told.hidden = true;
        for (const field of fields) field.tell(field.problem());
        const bad = fields.find((field) => field.problem());
        if (bad) {
          bad.focus();
          return this.#emit("error", { code: "validation_failed", message: bad.problem() });
        }
        this.#sending = submit();
      });
      this.#show(box);
    }

    #code() {
      const query = new URLSearchParams(location.search);
      const codes = ["ref", "referral_code", "kid", "ref_id"].map((name) => query.get(name));
      return [this.getAttribute("ref"), ...codes].find(Boolean);
    }

    /** Where the visitor comes from. What Rally would refuse is passed over: the page may mean something else by it. */
    #referrer() {
      const named = this.getAttribute("referrer") || new URLSearchParams(location.search).get("referrer");
      return named && named.length <= 500 && !/\p{Cc}/u.test(named) ? named : undefined;
    }

    /** Returns the address of the page that has the same form. */
    #page() {
      const { server, path, data } = this.#shown;
      const query = { lang: data.lang, ref: this.#code(), referrer: this.#referrer() };
      return `${server}w/${path}?${new URLSearchParams(Object.entries(query).filter(([, value]) => value))}`;
    }

    #box({ lang, dir, color }) {
      const box = make("div", { class: "box", lang, dir });
      box.style.setProperty("--color", `var(--rally-color, ${/^#[0-9a-f]{6}$/i.test(color) ? color : "#2457d6"})`);
      return box;
    }

    #paintSoon() {
      cancelAnimationFrame(this.#painting);
      this.#painting = requestAnimationFrame(() => this.#paint());
    }

    /** Takes the colours of the page around. */
    #paint() {
      const box = this.#root.querySelector(".box");
      if (!box) return;
      const probe = box.appendChild(make("span", { hidden: true }));
      probe.style.color = "var(--color)";
      const on = textOn(getComputedStyle(probe).color);
      probe.remove();
      const { color } = getComputedStyle(box);
      // Light text stands on a dark ground, and so do the browser's own controls.
      box.style.colorScheme = textOn(color) === "#fff" ? "light" : "dark";
      box.classList.toggle("framed", getComputedStyle(box).getPropertyValue("--rally-background").trim() !== "");
      box.style.setProperty("--ink", color);
      box.style.setProperty("--on", on);
      box.style.setProperty("--away", on === "#fff" ? "#000" : "#fff");
    }

    #join() {
      const { data } = this.#shown;
      const { texts } = data;
      const answer = this.#answer;
      const done = make("div", { class: "done", tabindex: -1, role: "status" });
      const place = answer.effective_position ?? answer.position;
      if (answer.status === "confirmation_required") {
        done.append(make("p", { class: "title" }, texts.mailbox), make("p", {}, texts.mailbox_body), make("p", {}, texts.mailbox_spam));
      } else {
        done.append(make("p", { class: "title" }, texts.joined));
        if (place) {
          const number = make("b", {}, make("bdi", {}, new Intl.NumberFormat(data.numbers).format(place)));
          done.append(make("p", { class: "place" }, texts.place, number));
        }
        if (isWeb(answer.status_url)) done.append(makeButton(answer.status_url, texts.open, texts));
      }
      const box = this.#box(data);
      box.append(done);
      this.#show(box);
    }
  }

  customElements.define("rally-waitlist", RallyWaitlist);
})();
