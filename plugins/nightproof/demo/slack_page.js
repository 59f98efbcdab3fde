// Show new messages without a reload: ask how things stand, and swap the list when they changed.
"use strict";
let seen = null;
async function look() {
  try {
    const now = await (await fetch("/messages.json")).text();
    if (seen !== null && now !== seen) {
      const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
      for (const id of ["messages", "count"]) {
        document.getElementById(id).replaceWith(document.adoptNode(page.getElementById(id)));
      }
    }
    seen = now;
  } catch {
    // The recorder has ended: keep showing what it said.
  }
  setTimeout(look, 2000);
}
look();
