/* htmx asks a page again every 3 s and morphs its [data-live] parts, which keeps what somebody has opened, scrolled to or
   stands in (console/_live_mark.html). Here is what it leaves to the page: nothing is asked while nobody looks, the server
   learns what the page has seen (204 where nothing is new), and what could not be refreshed for 15 s looks stale. */
(function () {
  "use strict";
  const STALE_MS = 15000;
  const mark = document.querySelector("[data-live-mark]");
  let last = Date.now();
  let seen = "1";

  function say(how) {
    document.body.classList.toggle("stale", how === "stale");
    mark.textContent = mark.dataset[how].replace("{moment}", new Date(last).toTimeString().slice(0, 8));
  }

  document.addEventListener("htmx:before:request", (event) => {
    if (document.hidden) event.preventDefault();
    event.detail.ctx.request.headers["X-Live"] = seen;
  });

  document.addEventListener("htmx:before:response", (event) => {
    const answer = event.detail.ctx.response.raw;
    /* Sent elsewhere means logged out. */
    if (!answer.ok || answer.redirected) return event.preventDefault();
    seen = answer.headers.get("X-Live") || "1";
    last = Date.now();
    say("fresh");
  });

  document.addEventListener("htmx:finally:request", () => {
    if (Date.now() - last > STALE_MS) say("stale");
  });
})();
