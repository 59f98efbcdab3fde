// The model page: the calendar is one stop for the keyboard, and the calibration curve comes after the rest.
(() => {
  const calendar = document.querySelector("table.calendar");
  if (calendar) {
    // The last month is on top: an arrow to the left is the night before all the same.
    const nights = [...calendar.querySelectorAll("a")].sort((a, b) => a.pathname < b.pathname ? -1 : 1);
    nights.forEach((night, i) => { night.tabIndex = i === nights.length - 1 ? 0 : -1; });
    const go = (from, to) => {
      if (!to) return;
      from.tabIndex = -1;
      to.tabIndex = 0;
      to.focus();
    };
    calendar.addEventListener("keydown", (event) => {
      const at = nights.indexOf(event.target.closest("a"));
      if (at < 0) return;
      const cell = nights[at].parentElement;
      const row = cell.parentElement;
      const beside = (other) => other?.cells[cell.cellIndex]?.querySelector("a") ?? other?.querySelector("a");
      const to = { ArrowLeft: nights[at - 1], ArrowRight: nights[at + 1], ArrowUp: beside(row.previousElementSibling),
        ArrowDown: beside(row.nextElementSibling), Home: nights[0], End: nights[nights.length - 1] };
      if (!(event.key in to)) return;
      event.preventDefault();
      go(nights[at], to[event.key]);
    });
  }

  // A night's profile takes a moment to read: the curve is asked for when it comes into view.
  const bring = async (place) => {
    const link = place.querySelector("p");
    try {
      const answer = await fetch(place.dataset.fragment, { credentials: "same-origin" });
      if (!answer.ok) return;
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("fragment");
      if (!found) return;
      place.append(document.importNode(found, true));
      link.hidden = true;
      document.dispatchEvent(new CustomEvent("chartsadded"));
    } catch { /* the link stays */ }
  };
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); bring(entry.target); }
  }, { rootMargin: "200px" });
  for (const place of document.querySelectorAll("[data-fragment]")) seen.observe(place);
})();
