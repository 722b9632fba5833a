/* Moves the drawing of a feeder through the day. Without this the form's button does it. */
(function () {
  "use strict";
  const slider = document.querySelector("[data-grid-slider]");
  if (!slider) return;
  const data = JSON.parse(document.getElementById(slider.dataset.gridSlider).textContent);
  const TONES = ["unknown", "calm", "busy", "full", "over"];
  const NEAR = 10;
  const decimal = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: 1 });
  const links = Array.from(document.querySelectorAll("[data-code]"));
  const nodes = Array.from(document.querySelectorAll("[data-node]"));

  function tone(percent) {
    if (percent == null) return "unknown";
    return percent > 100 ? "over" : percent > 80 ? "full" : percent > 60 ? "busy" : "calm";
  }

  function voltageTone(value, band) {
    if (value == null || !band) return "unknown";
    const inside = Math.min(value - band[0], band[1] - value);
    return inside < 0 ? "over" : inside < NEAR ? "full" : "calm";
  }

  function percentOf(thousandths) {
    return decimal.format(thousandths / 10) + "\u00a0%";
  }

  function paint(element, name, code, text) {
    element.classList.remove(...TONES);
    element.classList.add(name);
    const place = element.querySelector("title");
    if (place && !element.classList.contains("open")) place.textContent = code + (text ? ": " + text : "");
  }

  /* The element with the largest value times sign in the interval. */
  function extreme(series, interval, sign) {
    let best = null;
    Object.keys(series).forEach((code) => {
      const value = series[code][interval];
      if (value != null && (best === null || value * sign > best.value * sign)) best = { code: code, value: value };
    });
    return best;
  }

  function say(place, found, text) {
    const where = document.querySelector(place);
    if (where) where.textContent = found ? text(found.value) + ", " + found.code : "–";
  }

  function show() {
    const interval = Number(slider.value);
    document.querySelector("[data-grid-label]").textContent = data.labels[interval];
    slider.setAttribute("aria-valuetext", data.labels[interval]);
    links.forEach((link) => {
      const percent = (data.loading[link.dataset.code] || [])[interval];
      paint(link, tone(percent), link.dataset.code, percent == null ? "" : percent + "\u00a0%");
    });
    nodes.forEach((node) => {
      const value = (data.voltage[node.dataset.node] || [])[interval];
      paint(node, voltageTone(value, data.band[node.dataset.node]), node.dataset.node, value == null ? "" : percentOf(value));
    });
    say("[data-grid-loading]", extreme(data.loading, interval, 1), (value) => value + "\u00a0%");
    say("[data-grid-low]", extreme(data.voltage, interval, -1), percentOf);
    say("[data-grid-high]", extreme(data.voltage, interval, 1), percentOf);
    document.querySelectorAll(".tabs a").forEach((link) => {
      const address = new URL(link.href);
      address.searchParams.set("interval", interval);
      link.href = address;
    });
  }

  slider.form.querySelector("button").hidden = true;
  slider.addEventListener("input", show);
  show();
})();
