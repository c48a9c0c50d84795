// A part of a page that stays right while the page stands open: asked for anew every so many seconds, only when it has
// changed, never while nobody looks. Without this file a reload does the same.
"use strict";

for (const part of document.querySelectorAll("[data-live]")) {
  const at = document.querySelector("[data-live-at]");
  const said = document.querySelector("[data-live-said]");
  const trouble = document.querySelector("[data-live-trouble]");
  const every = Number(part.dataset.liveEvery) * 1000;
  let tag = "";
  let timer = 0;

  function tell(lost) {
    trouble.textContent = lost ? said.dataset.liveLost : "";
    trouble.hidden = !lost;
  }

  async function look() {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch(part.dataset.live, { headers, cache: "no-store", credentials: "same-origin" });
      if (answer.redirected || ![200, 304].includes(answer.status)) throw new Error(String(answer.status));
      if (answer.status === 200) {
        const html = await answer.text();
        if (!part.contains(document.activeElement)) {
          part.innerHTML = html;
          tag = answer.headers.get("ETag") ?? "";
        }
      }
      at.textContent = answer.headers.get("X-Fangpin-Now") ?? at.textContent;
      tell(false);
    } catch {
      tell(true);
    }
    timer = setTimeout(look, every);
  }

  document.addEventListener("visibilitychange", look);
  timer = setTimeout(look, every);
}
