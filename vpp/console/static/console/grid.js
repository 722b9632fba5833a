/* Moves the drawing of a feeder through the day. Without this the form's button does it. */
(function () {
  "use strict";
  const slider = document.querySelector("[data-grid-slider]");
  if (!slider) return;
  const data = JSON.parse(document.getElementById(slider.dataset.gridSlider).textContent);
  const loading = Object.assign({}, data.branches, data.transformers);
  const TONES = ["unknown", "calm", "busy", "full", "over"];

  function tone(percent) {
    if (percent === null || percent === undefined) return "unknown";
    return percent > 100 ? "over" : percent > 80 ? "full" : percent > 60 ? "busy" : "calm";
  }

  function title(element, text) {
    const place = element.querySelector("title");
    if (place) place.textContent = text;
  }

  function show() {
    const interval = Number(slider.value);
    document.querySelector("[data-grid-label]").textContent = data.labels[interval];
    slider.setAttribute("aria-valuetext", data.labels[interval]);
    document.querySelectorAll("[data-code]").forEach((link) => {
      const percent = (loading[link.dataset.code] || [])[interval];
      link.classList.remove(...TONES);
      link.classList.add(tone(percent));
      if (!link.classList.contains("open")) title(link, link.dataset.code + (percent == null ? "" : ": " + percent + " %"));
    });
    document.querySelectorAll("[data-node]").forEach((node) => {
      const percent = (data.nodes[node.dataset.node] || [])[interval];
      title(node, node.dataset.node + (percent == null ? "" : ": " + percent + " % of nominal voltage"));
    });
  }

  slider.form.querySelector("button").hidden = true;
  slider.addEventListener("input", show);
  show();
})();
