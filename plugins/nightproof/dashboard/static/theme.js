// Runs before the first paint: light or dark as chosen here, as Airflow has it where this is one of its tabs, or as the system.
(() => {
  const page = document.documentElement;
  const embedded = window.self !== window.top;
  const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  page.classList.toggle("embedded", embedded);
  const chosen = (embedded && stored("theme")) || stored("nightproof-theme");
  if (chosen === "light" || chosen === "dark") page.dataset.theme = chosen;
})();
