/* A form is sent once: the second click of a double click is none. Its button says meanwhile that work is under way. */
(function () {
  "use strict";
  const AGAIN_MS = 30000;  // a request that was stopped, or whose network is away, may be sent again then

  function release(form) {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
    setTimeout(() => release(form), AGAIN_MS);
  });

  /* A form that comes back refused: who types goes on in the first field that is wrong, and hears why. */
  const wrong = document.querySelector(".field.wrong :is(input, select, textarea)");
  if (wrong) wrong.focus();

  /* Back from the answer: the page is as it was left, and may be sent once more. */
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(release));
})();
