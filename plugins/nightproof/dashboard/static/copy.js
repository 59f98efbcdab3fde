// Copies what stands in the box beside a button. Without this script the box can be selected as ever.
(() => {
  for (const button of document.querySelectorAll("button.copy")) {
    const box = button.parentElement.querySelector("pre");
    if (!box) continue;
    button.hidden = false;
    const label = button.textContent;
    const said = (text) => {
      button.textContent = text;
      setTimeout(() => { button.textContent = label; }, 2000);
    };
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(box.textContent);
        said("Copied");
      } catch {
        // Without https a browser gives no clipboard: what is selected is one key press away from it.
        getSelection().selectAllChildren(box);
        box.focus();
        said("Selected");
      }
    });
    button.setAttribute("aria-live", "polite");
  }
})();
