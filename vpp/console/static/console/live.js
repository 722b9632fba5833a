/* Keeps the marked parts of a page fresh: every 3 s the same address is asked again and each [data-live] part is put in
   place of the old one. What could not be refreshed for 15 s is marked as stale. Without this the page stands still.
   A page that names a [data-live-poll] asks that first, which costs one query, and itself again only where there is news,
   or after a minute, so that ages go on. */
(function () {
  "use strict";
  const EVERY_MS = 3000;
  const STALE_MS = 15000;
  const OLDEST_MS = 60000;
  const mark = document.querySelector("[data-live-mark]");
  const poll = document.querySelector("[data-live-poll]");
  let last = Date.now();
  let written = Date.now();
  let cursor = 0;
  let busy = false;

  function say(how, moment) {
    document.body.classList.toggle("stale", how === "stale");
    if (mark) mark.textContent = mark.dataset[how].replace("{moment}", moment);
  }

  function clock(moment) {
    return new Date(moment).toTimeString().slice(0, 8);
  }

  function replace(old, fresh) {
    if (old.innerHTML === fresh.innerHTML) return;
    const open = Array.from(old.querySelectorAll("details"), (one) => one.open);
    const scrolled = Array.from(old.querySelectorAll(".scroll"), (one) => [one.scrollLeft, one.scrollTop]);
    old.replaceChildren(...fresh.childNodes);
    old.querySelectorAll("details").forEach((one, index) => { one.open = open[index] || one.open; });
    old.querySelectorAll(".scroll").forEach((one, index) => {
      if (scrolled[index]) [one.scrollLeft, one.scrollTop] = scrolled[index];
    });
  }

  async function hasNews() {
    if (!poll) return true;
    const answer = await fetch(poll.dataset.livePoll + "&after=" + cursor, { redirect: "error", cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const news = await answer.json();
    cursor = news.cursor;
    return news.readings.length > 0 || Date.now() - written > OLDEST_MS;
  }

  async function rewrite() {
    const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "error", cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const inUse = document.activeElement && document.activeElement.closest("[data-live]");
    document.querySelectorAll("[data-live]").forEach((old) => {
      const fresh = page.querySelector('[data-live="' + old.dataset.live + '"]');
      /* A part that somebody is in with the keyboard stays until they leave it. */
      if (fresh && old !== inUse) replace(old, fresh);
    });
    written = Date.now();
  }

  async function refresh() {
    if (busy || document.hidden) return;
    busy = true;
    try {
      if (await hasNews()) await rewrite();
      last = Date.now();
      say("fresh", clock(last));
    } catch (error) {
      cursor = 0;
      if (Date.now() - last > STALE_MS) say("stale", clock(last));
    } finally {
      busy = false;
    }
  }

  setInterval(refresh, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
})();
