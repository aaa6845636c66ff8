// The sign-up form of a waitlist as an element: <rally-waitlist list="workspace/waitlist"></rally-waitlist>.
(() => {
  "use strict";
  if (customElements.get("rally-waitlist")) return;

  const server = new URL(".", document.currentScript.src).href;

  // The server writes them here: what is shown where there is no form, by language.
  const TEXTS = {};

  const css = `
:host{display:block;font:400 1rem/1.5 var(--rally-font,inherit);color:var(--rally-text,inherit)}
*,::before{box-sizing:border-box}
[hidden]{display:none!important}
.box{background:var(--rally-background,transparent);color:inherit;text-align:start;overflow-wrap:break-word}
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
[aria-invalid]:not(fieldset){outline:2px solid;outline-offset:-2px}
.tick{display:flex;gap:.75rem;align-items:flex-start;margin:0;padding-block:.5rem;font-weight:400}
.tick span{min-inline-size:0;white-space:pre-line}
.tick input{flex:none;inline-size:1.5rem;block-size:1.5rem;margin:0;accent-color:var(--color)}
button,.open{display:block;inline-size:100%;min-block-size:3rem;margin-block-start:1.5rem;padding:.5rem 1.5rem;border:1px solid var(--on);border-radius:var(--rally-radius,8px);background:var(--color);color:var(--on);font:inherit;font-weight:600;line-height:1.9;text-align:center;text-decoration:none;cursor:pointer}
:is(button,.open):hover{background:color-mix(in srgb,var(--color),var(--away) 12%)}
:is(button,.open):active{background:color-mix(in srgb,var(--color),var(--away) 24%)}
[aria-disabled]{cursor:progress}
:focus-visible{outline:3px solid;outline-offset:2px}
.told{margin-block:1rem 0;font-weight:600}
.status{min-block-size:1.5em;margin-block:.5rem 0}
.links{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;font-size:.875rem}
.links a{color:inherit;padding-block:.25rem}
.done{outline:none}
.title{font-size:1.375rem;font-weight:650;line-height:1.2}
.place{font-size:1.125rem}
.place b{display:block;font-size:4rem;line-height:1.1;font-variant-numeric:tabular-nums}
.apart{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%)}
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

  const isWeb = (url) => /^https?:\/\//i.test(url ?? "");

  const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

  const channels = (color) => {
    const context = make("canvas", { width: 1, height: 1 }).getContext("2d");
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
      const code = `const find=${find};onmessage=async({data})=>postMessage(await find(data))`;
      const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
      const worker = new Worker(url);
      const end = (settle, value) => {
        worker.terminate();
        URL.revokeObjectURL(url);
        settle(value);
      };
      worker.onmessage = ({ data }) => end(resolve, data);
      worker.onerror = () => end(reject, new Error("no worker"));
      signal.addEventListener("abort", () => end(reject, signal.reason));
      worker.postMessage(parameters);
    });

  /** Fetches a challenge and returns the answer to it. There is none if none is asked for. */
  const solve = async (url, signal) => {
    const reply = await fetch(url, { cache: "no-store", signal });
    if (reply.status === 404) return undefined;
    if (!reply.ok) throw new Error("challenge");
    const challenge = await reply.json();
    const started = performance.now();
    const found = await findInWorker(challenge.parameters, signal).catch(() => find(challenge.parameters, signal));
    const solution = { ...found, time: Math.round(performance.now() - started) };
    return btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify({ challenge, solution }))));
  };

  /** Reads a number with the separators of a language. What is no number stays a text. */
  const toNumber = (text, [decimal, thousands]) => {
    const digit = (sign) => String.fromCharCode(sign.charCodeAt(0) % 16 + 48);
    const plain = text.replace(/[\s'’]/g, "").replace(/[٠-٩]/g, digit).replace(/[０-９]/g, digit).replace("−", "-");
    const grouped = new RegExp(`^[+-]?\\d{1,3}(\\${thousands}\\d{3})+$`).test(plain);
    const number = plain.includes(decimal) || grouped ? plain.replaceAll(thousands, "").replace(decimal, ".") : plain.replace(thousands, ".");
    return /^[+-]?\d+(\.\d*)?$/.test(number) ? Number(number) : text;
  };

  /** Makes the field of a control, with functions that read, judge and mark it. */
  const makeField = (control, texts, separators) => {
    const { name, shape } = control;
    const id = name.replace(".", "-");
    const error = make("p", { class: "error", id: `${id}-error` });
    const hint = control.hint ? make("p", { class: "hint", id: `${id}-hint`, dir: "auto" }, control.hint) : "";
    const describedBy = `${hint ? `${id}-hint ` : ""}${id}-error`;
    const common = { id, name, "aria-describedby": describedBy, required: control.required };
    const tick = (type, index, value, label) => {
      const input = make("input", { type, id: index ? `${id}-${index}` : id, name, value });
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
      element = make("fieldset", { class: "field", "aria-describedby": describedBy, ...group }, legend, hint, error, ...made.map(([, label]) => label));
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
      for (const input of shape === "yes_no" ? [element] : inputs) text ? input.setAttribute("aria-invalid", "true") : input.removeAttribute("aria-invalid");
    };
    element.addEventListener("input", () => error.textContent && tell(problem()));
    element.addEventListener("focusout", (event) => {
      const value = read();
      if (!element.contains(event.relatedTarget) && value !== "" && value.length !== 0) tell(problem());
    });
    return { element, name, required: control.required, read, problem, tell, focus: () => inputs[0].focus(), wrong: control.wrong, missing: control.missing };
  };

  class RallyWaitlist extends HTMLElement {
    static observedAttributes = ["list", "lang"];

    #root = this.attachShadow({ mode: "open" });
    #turn = 0;
    #stop = new AbortController();

    constructor() {
      super();
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      this.#root.adoptedStyleSheets = [sheet];
      // What the page wrote inside of the element is shown until the form is there.
      this.#root.append(make("slot"));
    }

    connectedCallback() {
      this.#load();
    }

    disconnectedCallback() {
      this.#stop.abort();
    }

    attributeChangedCallback(_, before, after) {
      if (this.isConnected && before !== after) this.#load();
    }

    #emit(name, detail) {
      this.dispatchEvent(new CustomEvent(`rally:${name}`, { bubbles: true, composed: true, detail }));
    }

    #show(box) {
      this.#root.replaceChildren(box);
    }

    async #load() {
      const turn = ++this.#turn;
      // Nobody waits for the work of a form that is gone.
      this.#stop.abort();
      this.#stop = new AbortController();
      const path = (this.getAttribute("list") ?? "").split("/").map(encodeURIComponent).join("/");
      const lang = this.closest("[lang]")?.lang;
      const query = lang ? `?lang=${encodeURIComponent(lang)}` : "";
      try {
        const reply = await fetch(`${server}w/${path}/widget.json${query}`, { cache: "no-store" });
        if (!reply.ok) throw new Error(`status ${reply.status}`);
        const form = await reply.json();
        if (turn === this.#turn && this.isConnected) this.#build(form, path);
      } catch (error) {
        if (turn === this.#turn) this.#emit("error", { code: "unavailable", message: String(error.message) });
      }
    }

    #build(data, path) {
      const { texts } = data;
      const loaded = performance.now();
      const box = make("div", { class: "box", lang: data.lang, dir: data.dir });
      this.#color(box, data.color);
      const links = make("p", { class: "links" });
      for (const { text, url } of data.links) links.append(make("a", { href: new URL(url, server), target: "_blank", rel: "noopener" }, text));
      if (data.closed) {
        const { title, body, link } = data.closed;
        box.append(make("p", { class: "title" }, title), make("p", {}, body));
        if (isWeb(link?.url)) box.append(make("a", { class: "open", href: link.url }, link.text));
        box.append(links);
        return this.#show(box);
      }
      const fields = data.controls.map((control) => makeField(control, texts, data.separators));
      const { consent } = data;
      if (consent) {
        fields.push(makeField({ name: "consent", shape: "tick", label: consent.text, required: true, missing: consent.missing, wrong: consent.missing }, texts));
      }
      const website = make("input", { id: "website", name: "website", type: "text", tabindex: -1, autocomplete: "off" });
      const apart = make("div", { class: "apart", "aria-hidden": "true" }, make("label", { for: "website" }, texts.leave_empty), website);
      const told = make("p", { class: "told", role: "alert", hidden: true });
      const status = make("p", { class: "status", role: "status", "aria-live": "polite" });
      const button = make("button", {}, texts.join);
      const form = make("form", { novalidate: true, "aria-label": data.name }, ...fields.map(({ element }) => element), apart, button, told, status);
      box.append(form, links);
      let work;
      let begun;
      const prepare = () => {
        // A challenge works for ten minutes.
        if (performance.now() - begun > 480_000) work = undefined;
        if (!work) begun = performance.now();
        return (work ??= data.challenge && solve(new URL(data.challenge, server), this.#stop.signal));
      };
      if (data.challenge) form.addEventListener("focusin", () => void prepare().catch(() => (work = undefined)), { once: true });

      const body = async () => {
        const values = Object.fromEntries(fields.map(({ name, read }) => [name, read()]));
        const metadata = {};
        for (const [name, value] of Object.entries(values)) {
          if (name.startsWith("metadata.") && value !== "" && value.length !== 0) metadata[name.slice(9)] = value;
        }
        return JSON.stringify({
          email: values.email,
          name: values.name,
          metadata,
          referral_code: this.getAttribute("ref") || this.#code() || undefined,
          referrer: this.#referrer(),
          variant_id: data.variant_id,
          locale: this.closest("[lang]")?.lang || undefined,
          consent: consent ? values.consent === true : undefined,
          website: website.value,
          form: data.form,
          proof_of_work: await prepare(),
        });
      };

      const send = async () => {
        for (let attempt = 0; ; attempt++) {
          const headers = { "content-type": "application/json" };
          const reply = await fetch(`${server}v1/waitlists/${path}/entries`, { method: "POST", headers, body: await body() });
          const answer = await reply.json();
          if (reply.ok) return answer;
          if (answer.code !== "too_fast" || attempt === 4) {
            work = undefined;
            throw answer;
          }
          const after = Number(reply.headers.get("retry-after")) * 1000;
          await pause(after || Math.max(500, loaded + 2100 - performance.now()));
        }
      };

      const refuse = (answer) => {
        const known = (answer.errors ?? []).map(({ field }) => fields.find(({ name }) => name === field)).filter(Boolean);
        for (const field of known) field.tell(field.problem() || (field === fields[0] ? texts.errors.email_refused : field.wrong));
        if (answer.code === "email_taken") {
          fields[0].tell(texts.errors.email_taken);
          known.push(fields[0]);
        }
        if (known.length) return known[0].focus();
        told.textContent = texts.errors[answer.code] ?? texts.errors.other;
        told.hidden = false;
      };

      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (button.hasAttribute("aria-disabled")) return;
        told.hidden = true;
        for (const field of fields) field.tell(field.problem());
        const bad = fields.find((field) => field.problem());
        if (bad) {
          bad.focus();
          return this.#emit("error", { code: "validation_failed", message: bad.problem() });
        }
        button.setAttribute("aria-disabled", "true");
        status.textContent = data.challenge ? texts.working : "";
        try {
          const answer = await send();
          this.#join(box, data, answer);
          this.#emit("joined", answer);
        } catch (error) {
          const answer = error?.code && error.statusCode ? error : { code: "network", message: String(error?.message ?? error) };
          refuse(answer);
          this.#emit("error", { code: answer.code, message: answer.message });
        }
        button.removeAttribute("aria-disabled");
        status.textContent = "";
      });
      this.#show(box);
    }

    #code() {
      const query = new URLSearchParams(location.search);
      return ["ref", "referral_code", "kid", "ref_id"].map((name) => query.get(name)).find(Boolean);
    }

    /** Where the visitor comes from. What Rally would refuse is passed over: the page may mean something else by it. */
    #referrer() {
      const named = this.getAttribute("referrer") || new URLSearchParams(location.search).get("referrer");
      return named && named.length <= 500 && !/\p{Cc}/u.test(named) ? named : undefined;
    }

    #color(box, color) {
      box.style.setProperty("--color", `var(--rally-color, ${/^#[0-9a-f]{6}$/i.test(color) ? color : "#2457d6"})`);
      const paint = () => {
        const probe = box.appendChild(make("span", { hidden: true }));
        probe.style.color = "var(--color)";
        const on = textOn(getComputedStyle(probe).color);
        probe.remove();
        // Light text stands on a dark ground, and so do the browser's own controls.
        box.style.colorScheme = textOn(getComputedStyle(box).color) === "#fff" ? "light" : "dark";
        box.classList.toggle("framed", getComputedStyle(box).getPropertyValue("--rally-background").trim() !== "");
        box.style.setProperty("--on", on);
        box.style.setProperty("--away", on === "#fff" ? "#000" : "#fff");
      };
      requestAnimationFrame(paint);
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
    }

    #join(box, data, answer) {
      const { texts } = data;
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
        if (isWeb(answer.status_url)) done.append(make("a", { class: "open", href: answer.status_url }, texts.open));
      }
      box.replaceChildren(done);
      done.focus();
    }
  }

  customElements.define("rally-waitlist", RallyWaitlist);
})();
