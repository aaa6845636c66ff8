// Copies the link of a page, and shares it by the system instead of by mail where there is a way.

for (const share of document.querySelectorAll("[data-share]")) {
  const link = share.querySelector("input");
  const status = share.querySelector("[role=status]");
  const copy = share.querySelector("[data-copy]");
  const system = share.querySelector("[data-system]");

  const copied = () => {
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

  if (navigator.share) {
    system.hidden = false;
    share.querySelector("[data-mail]").hidden = true;
    // Somebody who closes the sheet needs to be told nothing.
    system.addEventListener("click", () => void navigator.share({ text: share.dataset.text, url: link.value }).catch(() => {}));
  }
}
