// Tells at once what is to be changed in a form, solves its challenge, and sends it once.

const controls = (field) => [...field.querySelectorAll("input, select, textarea")];

const isEmpty = (field) =>
  !controls(field).some((control) => (/^(checkbox|radio)$/.test(control.type) ? control.checked : control.value.trim()));

const isRequired = (field) => "required" in field.dataset || controls(field).some((control) => control.required);

/** Finds mistakes that need no server. The server has the last word. */
const isWrong = ({ type, inputMode, value, validity }) => {
  const text = value.trim();
  if (type === "email") return !/^[^\s@]+@[^\s@]+$/.test(text);
  if (type === "url") return !/^https?:\/\/\S+$/i.test(text);
  if (type === "tel") return !/^[+＋]?[\p{Nd}\s()（）.\/\-－]*$/u.test(text) || (text.match(/\p{Nd}/gu) ?? []).length < 3;
  if (type === "date") return validity.badInput;
  return inputMode === "decimal" && !/^[+\-−]?[\p{Nd}\s.,'’٫٬]+$/u.test(text);
};

const problemOf = (field) => {
  const { missing, wrong, max, long } = field.dataset;
  const [control] = controls(field);
  if (control.validity.badInput) return wrong;
  if (isEmpty(field)) return isRequired(field) ? missing : "";
  if ("group" in field.dataset) return "";
  if (max && [...control.value.trim()].length > Number(max)) return long;
  return isWrong(control) ? wrong : "";
};

const tell = (field, problem) => {
  field.querySelector(".error").textContent = problem;
  for (const element of [...controls(field), ...(field.role === "radiogroup" ? [field] : [])]) {
    element.setAttribute("aria-invalid", String(problem !== ""));
  }
};

const isTold = (field) => field.querySelector(".error").textContent !== "";

const sumUp = (summary, problems) => {
  const title = document.createElement("h2");
  title.textContent = summary.dataset.title;
  const list = document.createElement("ul");
  for (const [field, problem] of problems) {
    const link = document.createElement("a");
    link.href = `#${controls(field)[0].id}`;
    link.textContent = problem;
    list.appendChild(document.createElement("li")).append(link);
  }
  summary.replaceChildren(title, list);
  // The title of a page with errors says so already.
  if (summary.hidden) document.title = summary.dataset.tab;
  summary.hidden = false;
  summary.focus();
};

const KEPT = "rally-typed";

/** Keeps what is typed for the same page in another language. */
const keep = (form) => {
  const typed = [...form.elements].filter(({ name, type }) => name && type !== "hidden");
  const values = typed.filter(({ type, checked }) => !/^(checkbox|radio)$/.test(type) || checked).map(({ name, value }) => [name, value]);
  sessionStorage.setItem(KEPT, JSON.stringify([location.pathname, values]));
};

const restore = (form) => {
  const [path, values] = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  sessionStorage.removeItem(KEPT);
  if (path !== location.pathname) return;
  for (const control of form.elements) {
    const typed = values.filter(([name]) => name === control.name).map(([, value]) => value);
    if (control.type === "hidden" || typed.length === 0) continue;
    if (/^(checkbox|radio)$/.test(control.type)) control.checked = typed.includes(control.value);
    else [control.value] = typed;
  }
};

/** A browser may keep nothing at all. */
const attempt = (act, form) => {
  try {
    act(form);
  } catch {}
};

for (const form of document.querySelectorAll("form[data-form]")) {
  attempt(restore, form);
  for (const link of document.querySelectorAll(".languages a")) link.addEventListener("click", () => attempt(keep, form));
  const fields = [...form.querySelectorAll(".field[data-missing]")];
  const fieldOf = (event) => event.target.closest(".field[data-missing]");
  const button = form.querySelector("button");
  const status = form.querySelector("[role=status]");
  const answer = form.elements.namedItem("proof_of_work");
  let sent = false;
  let work;
  let begun;
  let tries = 0;
  let stop = new AbortController();

  // A challenge works for ten minutes.
  const isStale = () => performance.now() - begun > 480_000;
  const isSolved = () => "solved" in answer.dataset && !isStale();

  const solve = () => {
    if (isStale()) work = undefined;
    if (work) return work;
    begun = performance.now();
    delete answer.dataset.solved;
    // A browser may keep that a script could not be loaded, so each try has an address of its own.
    work = import(`${form.dataset.work}${tries++ ? `?${tries}` : ""}`)
      .then(({ solve }) => solve(form.dataset.challenge, stop.signal))
      .then((text) => {
        answer.value = text;
        answer.dataset.solved = "";
      });
    return work;
  };

  const finish = async () => {
    if (button.hasAttribute("aria-disabled")) return;
    status.textContent = form.dataset.working;
    button.setAttribute("aria-disabled", "true");
    try {
      await solve();
      // A form is not sent while its submit event goes on, and the work may be done already.
      setTimeout(() => form.requestSubmit());
    } catch {
      work = undefined;
      status.textContent = form.dataset.failed;
      button.removeAttribute("aria-disabled");
    }
  };

  form.addEventListener("focusout", (event) => {
    const field = fieldOf(event);
    if (field && !field.contains(event.relatedTarget) && !isEmpty(field)) tell(field, problemOf(field));
  });

  form.addEventListener("input", (event) => {
    const field = fieldOf(event);
    if (field && isTold(field)) tell(field, problemOf(field));
  });

  // A page of an insecure connection has no means to solve a challenge.
  const canSolve = Boolean(globalThis.crypto?.subtle);

  if (form.dataset.challenge && canSolve) {
    form.addEventListener("focusin", () => void solve().catch(() => (work = undefined)), { once: true });
  }

  form.addEventListener("submit", (event) => {
    if (sent) return event.preventDefault();
    const problems = fields.map((field) => [field, problemOf(field)]).filter(([, problem]) => problem);
    for (const field of fields) tell(field, problemOf(field));
    if (problems.length > 0) {
      event.preventDefault();
      button?.removeAttribute("aria-disabled");
      if (status) status.textContent = "";
      return sumUp(document.getElementById("changes"), problems);
    }
    if (form.dataset.challenge && !canSolve && "needed" in form.dataset) {
      event.preventDefault();
      status.textContent = form.dataset.secure;
      return;
    }
    if (form.dataset.challenge && canSolve && !isSolved()) {
      event.preventDefault();
      return void finish();
    }
    sent = true;
    if (status) setTimeout(() => sent && (status.textContent = form.dataset.sending), 300);
    button?.setAttribute("aria-disabled", "true");
  });

  // Nobody waits for the work of a page that was left.
  addEventListener("pagehide", () => {
    stop.abort();
    stop = new AbortController();
    work = undefined;
  });

  // A page that comes back from the history can be sent again.
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    sent = false;
    work = undefined;
    if (answer) delete answer.dataset.solved;
    button?.removeAttribute("aria-disabled");
    if (status) status.textContent = "";
  });
}
