// Replaces a part of a page by what a link or a form answers, shows times in the viewer's zone, takes keys, and follows long work.
// Every page works without it.

const byId = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const say = (text) => {
  const place = byId("announce");
  place.textContent = "";
  requestAnimationFrame(() => (place.textContent = text ?? ""));
};

/** Tells of a failure, with a link that opens another tab. */
const tell = (text, link) => {
  const notice = document.createElement("div");
  notice.className = "notice bad";
  notice.append(document.createElement("p"));
  notice.firstChild.textContent = text;
  if (link) notice.firstChild.append(" ", Object.assign(document.createElement("a"), { target: "_blank", ...link }));
  byId("notices").replaceChildren(notice);
  notice.scrollIntoView({ block: "center" });
  say(text);
};

const news = () => all("#notices :is(p, button)").map((part) => part.textContent).join(" ");

/** An address without what was just done, so that the page does not say it once more. */
const bare = (address) => {
  const url = new URL(address);
  const said = ["done", "number", "failed", "unchanged", "why", "replayed"].filter((name) => url.searchParams.has(name));
  for (const name of said) url.searchParams.delete(name);
  return url.href;
};

const later = (wait, act) => {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(act, wait, ...given);
  };
};

// Times

// The words are those of the page, and the clock is the viewer's.
const { lang } = document.documentElement;
const words = navigator.language.split("-")[0] === lang ? navigator.language : "en-GB";
const { hourCycle } = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions();
const day = { day: "numeric", month: "short", hour: "numeric", minute: "2-digit", hourCycle };
const thisYear = new Intl.DateTimeFormat(words, day);
const otherYear = new Intl.DateTimeFormat(words, { ...day, year: "numeric" });

const showTimes = (root) => {
  for (const time of all("time[datetime]:not([data-local])", root)) {
    const instant = new Date(time.dateTime);
    if (Number.isNaN(instant.getTime())) continue;
    const format = instant.getFullYear() === new Date().getFullYear() ? thisYear : otherYear;
    time.textContent = format.format(instant);
    time.dataset.local = "";
  }
};

// Ticked rows

const boxes = (form) => [...form.elements].filter((element) => element.type === "checkbox");
const ticked = (form) => boxes(form).filter((box) => box.checked);
const bulkForm = () => document.querySelector("form[data-bulk]");

const countTicked = (hint) => {
  const form = bulkForm();
  if (!form) return;
  const count = ticked(form).length;
  for (const place of all("[data-ticked]")) place.textContent = count ? `${count} ticked` : (hint ?? "The ticked ones");
  for (const head of all("[data-all]")) {
    head.checked = count > 0 && count === boxes(form).length;
    head.indeterminate = count > 0 && !head.checked;
  }
};

let lastBox;

document.addEventListener("click", ({ target, shiftKey }) => {
  if (target.type !== "checkbox" || !target.form?.matches("[data-bulk]")) return;
  const rows = boxes(target.form);
  const [from, to] = [rows.indexOf(lastBox), rows.indexOf(target)].sort((a, b) => a - b);
  if (shiftKey && from >= 0) for (const box of rows.slice(from, to + 1)) box.checked = target.checked;
  lastBox = target;
  countTicked();
});

// What a page gets once it is there, and a part once it was replaced

const ready = (root) => {
  showTimes(root);
  for (const { dataset } of all("[data-soon]", root)) {
    for (const wait of [1000, 3000, 6000]) setTimeout(() => void refresh(dataset.soon), wait);
  }
  for (const element of all(".late", root)) element.classList.remove("late");
  for (const choice of all("[data-keys-choice] input", root)) choice.checked = keysAreOn();
  countTicked();
};

// Parts of pages

const load = (method, url, body) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.responseType = "document";
    request.onload = () => (request.response?.querySelector("main") ? resolve([request.response, request.responseURL]) : reject(new Error(url)));
    request.onerror = () => reject(new Error(url));
    request.send(body);
  });

const told = (control) => [control.tagName, control.form?.getAttribute("action"), control.textContent].join();
const around = (control) => [control.href, control.closest("[data-row], details")?.textContent].join();

/** The control that has taken the place of another. Without an id or a name it is the one that says the same. */
const twin = (active, root, quiet) => {
  const { id, name, value, tagName } = active;
  if (id) return byId(id);
  if (name) return all("input, select, textarea, button", root).find((other) => other.name === name && other.value === value);
  const alike = all(tagName, root).filter((other) => told(other) === told(active));
  // The address of the next page and the numbers beside a control may be others by now.
  return alike.find((other) => around(other) === around(active)) ?? (quiet && alike.length === 1 ? alike[0] : undefined);
};

const keepOpen = (old, fresh) => {
  for (const title of all("details[open] > summary", old)) {
    const same = twin(title, fresh, true);
    if (same) same.parentElement.open = true;
  }
};

const NOT_SENT = "That did not work: the server did not answer, or you are signed out. What you typed is still here.";
const NO_ANSWER = "The server did not answer, so nothing was saved. What you typed is still here: try again.";
const SIGNED_OUT = "You are signed out, so nothing was saved. What you typed is still here: sign in on another tab, and save again.";

const turns = new Map();

/** Replaces the element `id`, and the whole content where the answer does not have it. */
const swap = async (id, { method = "GET", url, body, record = "push", quiet = false }) => {
  const turn = (turns.get(id) ?? 0) + 1;
  turns.set(id, turn);
  if (!quiet) byId(id)?.setAttribute("aria-busy", "true");
  const [page, address] = await load(method, url, body);
  const found = bare(address);
  if (turns.get(id) !== turn) return;
  if (byId("nav") && !page.getElementById("nav")) throw new Error("signed out");
  // What is wrong may be said beside the part.
  const part = page.getElementById(id);
  const wrong = page.querySelector("#changes, [aria-invalid]");
  const old = (part && !(wrong && !part.contains(wrong)) && byId(id)) || document.querySelector("main");
  const fresh = page.getElementById(old.id);
  const active = document.activeElement;
  const inside = old.contains(active);
  const { selectionStart, selectionEnd } = active;
  const kept = quiet && bulkForm() ? ticked(bulkForm()).map((box) => box.value) : [];
  if (quiet) keepOpen(old, fresh);
  old.replaceWith(fresh);
  for (const box of bulkForm() ? boxes(bulkForm()) : []) box.checked ||= kept.includes(box.value);
  document.title = page.title;
  if (old.id !== "main" && !quiet) byId("notices").replaceWith(page.getElementById("notices"));
  const nav = byId("nav");
  if (nav && page.getElementById("nav") && !nav.contains(active)) nav.replaceChildren(...page.getElementById("nav").childNodes);
  for (const root of [fresh, byId("notices")]) ready(root);
  if (record === "push" && found !== location.href && !(method === "POST" && found === new URL(url, location.href).href)) {
    history.replaceState({ swap: id }, "");
    history.pushState({ swap: id }, "", found);
  } else if (record === "replace") {
    history.replaceState({ swap: id }, "", found);
  }
  const problems = byId("changes");
  const same = inside ? twin(active, fresh, quiet) : undefined;
  if (quiet) {
    if (inside) (same ?? fresh).focus({ preventScroll: true });
    return fresh;
  }
  if (problems && fresh.contains(problems)) problems.focus();
  else if (same) {
    same.focus({ preventScroll: true });
    if (typeof selectionStart === "number") same.setSelectionRange?.(selectionStart, selectionEnd);
  } else if (inside || !document.contains(active)) fresh.focus({ preventScroll: true });
  say(news() || fresh.dataset.say || document.title);
  return fresh;
};

/** Shows a part as it is now. */
const refresh = (id) => byId(id) && swap(id, { url: location.href, record: "none", quiet: true }).catch(() => undefined);

const trySwap = (id, request) =>
  swap(id, request).catch(() => {
    byId(id)?.removeAttribute("aria-busy");
    if ((request.method ?? "GET") === "GET") location.assign(request.url);
    else tell(NOT_SENT);
  });

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener && byId(opener.dataset.dialog)) {
    event.preventDefault();
    byId("nav")?.matches(":popover-open") && byId("nav").hidePopover();
    return byId(opener.dataset.dialog).showModal();
  }
  const link = event.target.closest("a[data-swap]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  void trySwap(link.dataset.swap, { url: link.href });
});

addEventListener("popstate", ({ state }) => {
  if (!state?.swap) return;
  // The form that asked is outside of the part, and shows another question.
  const asks = document.querySelector(`form[method="get"][data-swap="${CSS.escape(state.swap)}"]`);
  void trySwap(asks ? "main" : state.swap, { url: location.href, record: "none" });
});

// Forms

const clean = (form) => {
  if ("dirty" in form.dataset) form.dataset.dirty = "";
};

/** The form that a session would carry out. */
let passed;

/** Sends a form if a session would carry it out: else the answer would replace what was typed. */
const sendTyped = async (form, submitter) => {
  form.ariaBusy = "true";
  const [page] = (await load("GET", document.querySelector('#nav [data-key="?"]').href).catch(() => undefined)) ?? [];
  form.ariaBusy = null;
  if (!page) return tell(NO_ANSWER);
  const token = page.querySelector("#nav [name=csrf]");
  if (!token) return tell(SIGNED_OUT, { href: document.querySelector("#nav .home").href, textContent: "Sign in" });
  // The form may have been opened in another session.
  for (const field of all("[name=csrf]")) field.value = token.value;
  passed = form;
  form.requestSubmit(submitter);
  passed = undefined;
};

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (submitter?.formTarget || form.method === "dialog" || event.defaultPrevented) return;
  if (form.matches("[data-bulk]") && form.elements.namedItem("scope")?.value !== "matching" && !ticked(form).length) {
    event.preventDefault();
    countTicked("Tick one first");
    return say("Tick one first");
  }
  const method = (submitter?.getAttribute("formmethod") ?? form.method).toUpperCase();
  // A field may be named "action".
  const action = submitter?.hasAttribute("formaction") ? submitter.formAction : new URL(form.getAttribute("action"), location.href).href;
  if (method === "POST" && form.ariaBusy === "true") return event.preventDefault();
  const id = submitter?.dataset.swap ?? form.dataset.swap;
  const swaps = id && byId(id);
  if (!swaps && form.dataset.dirty === "true" && byId("nav") && passed !== form) {
    event.preventDefault();
    return void sendTyped(form, submitter);
  }
  if (method === "POST") form.ariaBusy = "true";
  if (!swaps) return clean(form);
  event.preventDefault();
  const data = new URLSearchParams(new FormData(form, submitter));
  if (method === "POST") {
    const section = submitter?.value.startsWith("add-") && submitter.closest("fieldset").id;
    const place = () => section && all(`#${section} .rows`).at(-1)?.querySelector("input:not([type=hidden])")?.focus();
    return void trySwap(id, { method, url: action, body: data }).then((fresh) => {
      form.ariaBusy = null;
      if (fresh) clean(form);
      place();
    });
  }
  for (const [name, value] of [...data]) if (!value) data.delete(name);
  const url = new URL(action);
  url.search = data;
  void trySwap(id, { url: url.href, record: event.submitter ? "push" : "replace" });
});

addEventListener("pageshow", () => {
  for (const form of all("form[aria-busy]")) form.ariaBusy = null;
});

const search = later(250, (form) => form.requestSubmit());

const preview = later(600, (button) => {
  const frame = document.querySelector(`iframe[name="${button.formTarget}"]`);
  if (!frame || !button.isConnected) return;
  // A frame that is new has no history that the back button would go through.
  const fresh = frame.cloneNode();
  fresh.removeAttribute("src");
  frame.replaceWith(fresh);
  button.form.requestSubmit(button);
});

document.addEventListener("input", ({ target }) => {
  const { form } = target;
  if (target.matches("[data-search]")) search(form);
  if (!form) return;
  if ("dirty" in form.dataset) {
    form.dataset.dirty = "true";
    for (const place of all("[data-unsaved]", form)) place.hidden = false;
  }
  const button = form.querySelector("[data-preview]");
  if (button && target.type !== "file") preview(button);
});

document.addEventListener("change", ({ target }) => {
  if (target.matches("select") && target.form?.matches("[data-swap]")) target.form.requestSubmit();
  if (target.matches("[data-all]")) {
    for (const box of boxes(bulkForm())) box.checked = target.checked;
    countTicked();
  }
  if (target.closest("[data-keys-choice]")) localStorage.setItem("rally-keys", target.checked ? "on" : "off");
});

addEventListener("beforeunload", (event) => {
  if (document.querySelector('form[data-dirty="true"]')) event.preventDefault();
});

// Copying

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy], [data-copy-text]");
  if (!button) return;
  const source = byId(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(button.dataset.copyText ?? source.textContent);
    const before = button.textContent;
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => (button.textContent = before), 2000);
  } catch {
    if (source) getSelection().selectAllChildren(source);
  }
});

// Long work

setInterval(async () => {
  const part = document.querySelector("[data-poll]");
  if (!part || document.hidden) return;
  const id = part.dataset.poll;
  const fresh = await swap(id, { url: location.href, record: "none", quiet: true }).catch(() => undefined);
  if (!fresh || "poll" in fresh.dataset) return;
  const around = fresh.closest("[data-say]");
  if (around && around !== fresh) void trySwap(around.id, { url: location.href, record: "none", quiet: true }).then((part) => say(part?.dataset.say));
  else say(fresh.dataset.say);
}, 2000);

// Keys

function keysAreOn() {
  return localStorage.getItem("rally-keys") !== "off";
}

let prefix = "";
const forget = later(1500, () => (prefix = ""));

const moveBy = (step) => {
  const rows = all("[data-row]").filter((row) => row.querySelector("a, button, input"));
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
  const target = row && (row.querySelector("th a") ?? row.querySelector("a, button, input"));
  target?.focus();
  row?.scrollIntoView({ block: "nearest" });
};

const currentBox = () => document.activeElement.closest("[data-row]")?.querySelector("input[type=checkbox]");

document.addEventListener("keydown", (event) => {
  if (!keysAreOn() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, dialog")) return;
  const key = prefix ? `${prefix} ${event.key}` : event.key;
  prefix = "";
  if (key === "g") {
    prefix = key;
    return forget();
  }
  if (key === "j" || key === "k") return moveBy(key === "j" ? 1 : -1);
  if (key === "x") return currentBox()?.click();
  const target = key === "/" ? document.querySelector("[data-search]") : document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!target) return;
  event.preventDefault();
  if (key === "/") return target.focus();
  const box = currentBox();
  if (target.form?.matches("[data-bulk]") && box && !ticked(target.form).length) box.click();
  target.click();
});

ready(document);

// A question or a secret answers a form. Whoever loads it again, or goes back, sees the page behind it.
const answer = document.querySelector("[data-at]");
if (answer) history.replaceState(history.state, "", answer.dataset.at);

// A message that is there from the start is not read out by itself. The next key goes to what it offers.
const isNew = bare(location.href) !== location.href;
if (isNew) history.replaceState(history.state, "", bare(location.href));
setTimeout(() => {
  if (!news()) return;
  say(news());
  if (isNew && document.activeElement === document.body) byId("notices").focus({ preventScroll: true });
}, 300);
