// Copies the link of a page, and shares it by the system instead of by mail where there is a way.

for (const share of document.querySelectorAll("[data-share]")) {
  const link = share.querySelector("input");
  const status = share.querySelector("[role=status]");
  const copy = share.querySelector("[data-copy]");
  const system = share.querySelector("[data-system]");
  const mail = share.querySelector("[data-mail]");

  const words = copy.textContent;
  let again;
  const copied = () => {
    // Where the eyes are, too.
    copy.textContent = status.dataset.copied;
    clearTimeout(again);
    again = setTimeout(() => (copy.textContent = words), 3000);
    status.textContent = "";
    requestAnimationFrame(() => (status.textContent = status.dataset.copied));
  };

  const select = () => {
    link.focus();
    link.select();
  };

  copy.classList.remove("late");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(link.value);
      copied();
    } catch {
      select();
      if (document.execCommand("copy")) copied();
    }
  });

  link.addEventListener("focus", () => link.select());

  const data = { text: share.dataset.text, url: link.value };
  const offerSystem = (offered) => {
    system.hidden = !offered;
    mail.hidden = offered;
  };

  // A frame may not be allowed to.
  if (navigator.canShare?.(data)) {
    offerSystem(true);
    system.addEventListener("click", () =>
      navigator.share(data).catch(({ name }) => {
        // Somebody who closes the sheet needs to be told nothing.
        if (name !== "AbortError") offerSystem(false);
      }),
    );
  }
}
