// What pages need beside HTML: a tooltip that follows focus as well as the pointer, local times, light and dark.
(() => {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  let owner = null;

  const explained = (target) => target instanceof Element ? target.closest("[title], [data-tip]") : null;

  const show = (element) => {
    if (!element || element === owner || element.tagName === "IFRAME") return;
    hide();
    if (element.hasAttribute("title")) {
      element.dataset.tip = element.getAttribute("title");
      element.removeAttribute("title");
    }
    if (!element.dataset.tip) return;
    owner = element;
    tip.textContent = element.dataset.tip;
    tip.hidden = false;
    element.setAttribute("aria-describedby", "tip");
    const box = element.getBoundingClientRect();
    const own = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left), document.documentElement.clientWidth - own.width - 8);
    const above = box.top - own.height - 6;
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${(above > 4 ? above : box.bottom + 6) + scrollY}px`;
  };

  const hide = () => {
    tip.hidden = true;
    owner?.removeAttribute("aria-describedby");
    owner = null;
  };

  document.addEventListener("pointerover", (event) => {
    const element = explained(event.target);
    if (element) show(element); else if (owner && !tip.contains(event.target) && owner !== document.activeElement) hide();
  });
  document.addEventListener("focusin", (event) => show(explained(event.target)));
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("scroll", hide, { passive: true });

  for (const time of document.querySelectorAll("time.instant")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime()) && at.getTimezoneOffset()) {
      const local = at.toLocaleString(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
      time.insertAdjacentHTML("afterend", "<span class=local></span>");
      time.nextElementSibling.textContent = ` (${local})`;
    }
  }

  const button = document.querySelector("button.theme");
  if (button) {
    const page = document.documentElement;
    button.hidden = false;
    button.addEventListener("click", () => {
      const dark = page.dataset.theme ? page.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      page.dataset.theme = dark ? "light" : "dark";
      try { localStorage.setItem("nightproof-theme", page.dataset.theme); } catch { /* the choice lasts for this page */ }
      document.dispatchEvent(new CustomEvent("themechange"));
    });
  }
})();
