/* What is left until a gate counts down while its page stands, in the words of `units.span`; the last quarter of an hour
   stands out. A played day stands still and counts nothing (data-left-s is empty). */
(function () {
  "use strict";
  const LATE_S = 900;
  const loaded = Date.now();
  const gates = document.querySelectorAll("[data-gate]:not([data-left-s=''])");

  function span(seconds) {
    for (const [size, unit, lower, lowerUnit] of [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
      if (seconds < size) continue;
      const part = Math.floor((seconds % size) / lower);
      return `${Math.floor(seconds / size)}\u00a0${unit}` + (part ? ` ${part}\u00a0${lowerUnit}` : "");
    }
    return `${seconds}\u00a0s`;
  }

  function tell() {
    gates.forEach((gate) => {
      const left = Number(gate.dataset.leftS) - Math.floor((Date.now() - loaded) / 1000);
      gate.textContent = left > 0 ? gate.dataset.in.replace("%(span)s", span(left)) : gate.dataset.closed;
      gate.classList.toggle("late", left < LATE_S);
    });
  }

  tell();
  setInterval(tell, 1000);
})();
