/* Draws every [data-chart] from the JSON block it names. The page works without this: its tables hold the same numbers. */
(function () {
  "use strict";

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    return {
      ink: read("--ink"), soft: read("--soft"), line: read("--line"), surface: read("--surface"),
      baseline: read("--chart-baseline"), band: read("--chart-band"), plan: read("--chart-plan"),
      measured: read("--chart-measured"), up: read("--chart-up"), down: read("--chart-down"),
      held: read("--chart-held"), called: read("--chart-called"),
      ask: read("--chart-ask"), asked: read("--chart-asked"), thin: read("--chart-thin"),
      before: read("--chart-before"), price: read("--chart-called"),
    };
  }

  /* Each interval is a flat step around its label, so that a mean over the interval looks like one. */
  const STEP = "hvh";
  const DASH = { plan: "solid", baseline: "dot", measured: "solid", before: "dash" };
  const WIDTH = { plan: 2, baseline: 1.5, measured: 2.5, thin: 1, before: 1.5, price: 2 };

  function bandTraces(series, labels, axis, colour, legend) {
    const common = {
      x: labels, type: "scatter", mode: "lines", yaxis: axis, line: { width: 0, shape: STEP, color: colour.band },
      legendgroup: series.name, name: series.name,
    };
    return [
      { ...common, y: series.low, showlegend: false, hoverinfo: "skip" },
      {
        ...common, y: series.high, fill: "tonexty", fillcolor: colour.band, customdata: series.low, showlegend: true,
        legend: legend, hovertemplate: "%{customdata:.1f} to %{y:.1f} kW",
      },
    ];
  }

  function trace(series, labels, axis, colour, legend, unit) {
    const bar = ["up", "down", "held", "called", "ask", "asked"].includes(series.role);
    const common = {
      x: labels, y: series.y, name: series.name, yaxis: axis, legend: legend, hovertemplate: "%{y:.1f} " + unit,
    };
    if (series.group) {
      /* Many thin lines share one entry of the legend. */
      Object.assign(common, { legendgroup: series.group, name: series.group, showlegend: Boolean(series.first) });
      common.hovertemplate = series.name + ": %{y:.1f} " + unit + "<extra></extra>";
    }
    if (bar) {
      const marker = { color: colour[series.role], line: { width: 0 } };
      if (series.role === "held") {
        /* A band of its own behind the bars: held reserve is no energy and does not stack on what is delivered. */
        return {
          ...common, type: "scatter", mode: "lines", fill: "tozeroy", fillcolor: colour.held,
          line: { color: colour.held, width: 0, shape: STEP }, hovertemplate: "%{y:.1f} kW",
        };
      }
      return { ...common, type: "bar", marker: marker };
    }
    const line = { color: colour[series.role], width: WIDTH[series.role], shape: STEP, dash: DASH[series.role] };
    return { ...common, type: "scatter", mode: "lines", line: line, connectgaps: false };
  }

  function ticks(labels, range, width, each) {
    if (each) return { at: labels.map((label, index) => index), text: labels };
    const shown = range ? range[1] - range[0] : labels.length;
    const wanted = (shown * 64) / width;
    const every = [2, 4, 8, 12, 16, 24].find((step) => step >= wanted) || 24;
    const starts = labels.map((label, index) => index).filter((index) => index % every === 0);
    return { at: starts.map((index) => index - 0.5), text: starts.map((index) => labels[index]) };
  }

  /* Share of the drawing's height that a panel's legend takes; where not all entries fit, they stand in columns. */
  function legendShare(panel, width, height, size) {
    const names = new Set(panel.series.map((series) => series.group || series.name));
    const entry = 44 + 0.55 * size * Math.max(...[...names].map((name) => name.length));
    const columns = Math.max(1, Math.floor(width / entry));
    return Math.min(0.4, (Math.ceil(names.size / columns) * (size + 9) + 16) / height);
  }

  function figure(chart, width, height) {
    const colour = colours();
    const marks = ticks(chart.labels, chart.range, width, chart.every);
    const traces = [];
    const two = chart.panels.length > 1;
    const narrow = width < 520;
    const layout = {
      autosize: true, barmode: chart.grouped ? "group" : chart.overlay ? "overlay" : "relative", bargap: chart.grouped ? 0.3 : 0, hovermode: "x unified", dragmode: "zoom",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: narrow ? 11 : 12, color: colour.ink },
      margin: { l: narrow ? 44 : 56, r: 20, t: two ? 44 : 40, b: 36 },
      hoverlabel: { bgcolor: colour.surface, bordercolor: colour.line, font: { color: colour.ink } },
      xaxis: {
        type: "category", categoryorder: "array", categoryarray: chart.labels, tickmode: "array",
        tickvals: marks.at, ticktext: marks.text, tickangle: chart.every ? "auto" : 0, automargin: true, gridcolor: colour.line, linecolor: colour.line,
        anchor: two ? "y2" : "y", range: chart.range || [-0.5, chart.labels.length - 0.5], zeroline: false,
      },
    };
    const between = two ? legendShare(chart.panels[1], width - 90, height - 80, narrow ? 10 : 12) : 0;
    const lower = 0.42 * (1 - between);
    const domains = two ? [[lower + between, 1], [0, lower]] : [[0, 1]];
    chart.panels.forEach((panel, index) => {
      const axis = index ? "y" + (index + 1) : "y";
      const legend = index ? "legend" + (index + 1) : "legend";
      layout[index ? "yaxis" + (index + 1) : "yaxis"] = {
        domain: domains[index], gridcolor: colour.line, zerolinecolor: colour.soft, zerolinewidth: 1,
        rangemode: "tozero", tickformat: ",~r", automargin: true,
        title: { text: panel.title, font: { size: narrow ? 10 : 12, color: colour.soft }, standoff: 8 },
      };
      layout[legend] = {
        orientation: "h", x: 0, xanchor: "left", y: domains[index][1] + 0.005, yanchor: "bottom",
        font: { size: narrow ? 10 : 12 }, bgcolor: "rgba(0,0,0,0)",
      };
      panel.series.forEach((series) => {
        const made = series.role === "band"
          ? bandTraces(series, chart.labels, axis, colour, legend)
          : [trace(series, chart.labels, axis, colour, legend, panel.unit || "kW")];
        traces.push(...made);
      });
    });
    return { traces: traces, layout: layout };
  }

  /* Quantity over price, a line per block of the day, the early ones darker than the late ones. */
  function curve(chart, width) {
    const colour = colours();
    const panel = chart.panels[0];
    const many = panel.series.length;
    const traces = panel.series.map((series, index) => ({
      x: series.x, y: series.y, name: series.name, type: "scatter", mode: "lines", opacity: 1 - (0.7 * index) / many,
      line: { shape: chart.stepped ? "hv" : "linear", width: 2, color: index % 2 ? colour.called : colour.plan },
      hovertemplate: series.name + ": %{y:,.1f} kW<extra></extra>",
    }));
    const all = panel.series.flatMap((series) => series.x.slice(1, -1));
    const low = Math.min(...all), high = Math.max(...all), room = Math.max((high - low) * 0.15, 10);
    const axis = (title) => ({
      title: { text: title, font: { size: 12, color: colour.soft }, standoff: 8 }, gridcolor: colour.line,
      zerolinecolor: colour.soft, tickformat: ",~r", automargin: true,
    });
    const layout = {
      autosize: true, hovermode: "x", paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: width < 520 ? 11 : 12, color: colour.ink },
      margin: { l: 56, r: 20, t: 40, b: 44 }, showlegend: many > 1,
      legend: { orientation: "h", x: 0, y: 1, xanchor: "left", yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" },
      hoverlabel: { bgcolor: colour.surface, bordercolor: colour.line, font: { color: colour.ink } },
      xaxis: { ...axis(chart.x_title), range: [low - room, high + room] }, yaxis: axis(panel.title),
    };
    return { traces: traces, layout: layout };
  }

  function draw(place) {
    const chart = JSON.parse(document.getElementById(place.dataset.chart).textContent);
    const made = (chart.curve ? curve : figure)(chart, place.clientWidth, place.clientHeight);
    const config = {
      responsive: true, displaylogo: false, doubleClick: "reset",
      modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d", "autoScale2d"],
    };
    place.replaceChildren();
    return window.Plotly.newPlot(place, made.traces, made.layout, config);
  }

  function drawAll() {
    document.querySelectorAll("[data-chart]").forEach(draw);
  }

  /* Labels and legends are set for a width; a telephone that is turned has another one. */
  let drawnAt = window.innerWidth;
  let waiting = 0;
  function fit() {
    if (Math.abs(window.innerWidth - drawnAt) < 80) return;
    drawnAt = window.innerWidth;
    drawAll();
  }

  if (window.Plotly) {
    drawAll();
    window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(fit, 200); });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  }
})();
