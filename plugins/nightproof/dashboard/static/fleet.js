// Tells that there are new nights; never takes the page away from whoever reads it.
(() => {
  const told = document.getElementById("fresh");
  if (!told) return;
  const link = told.querySelector("a");
  let asking = 0;

  const ask = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(told.dataset.ask, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const { stamp } = await answer.json();
      if (stamp !== told.dataset.stamp) { link.hidden = false; clearInterval(asking); }
    } catch { /* the next time */ }
  };

  asking = setInterval(ask, 15000);
  document.addEventListener("visibilitychange", ask);
})();
