"""Certifications as a page with plots that needs nothing else: each method's error and bias, each placebo event."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LEFT, WIDTH, ROW = 250, 560, 26
PLOT_HEIGHT = 180
STYLE = """body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:56rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{padding:.2rem .5rem;border-bottom:1px solid #ccc;text-align:left}
td{font-variant-numeric:tabular-nums}text{font:13px system-ui,sans-serif}"""


@dataclass(frozen=True, slots=True)
class FitRow:
    """One method's result; None where nothing could be compared. placebo: (date, baseline kWh, actual kWh)."""

    level: str
    method: str
    events: int
    rrmse_pu: float | None
    bias_pu: float | None
    missing_pu: float
    band_pu: tuple[float | None, float | None]
    passes: bool
    placebo: Sequence[tuple[str, float, float]] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One device's certification."""

    device: str
    period: str
    outcome: str
    reason: str
    gate_rrmse_pu: float
    gate_bias_pu: float
    rows: Sequence[FitRow]


def certification_page(sheets: Sequence[Sheet]) -> str:
    """The page. Bars: error (RRMSE); marks: bias; thin lines: 10-90 % band of an event. Below: the best method's
    baseline beside the meter, event by event."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Certification</title><style>{STYLE}</style></head><body>
{"".join(_section(sheet) for sheet in sheets)}</body></html>
"""


def _section(sheet: Sheet) -> str:
    return f"""<h1>Certification of {escape(sheet.device)}</h1>
<p>{escape(sheet.period)}. Gate: error at most {sheet.gate_rrmse_pu:.0%}, bias at most {sheet.gate_bias_pu:.0%} either
way. <strong>Outcome: {escape(sheet.outcome)}.</strong></p><p>{escape(sheet.reason)}</p>
{_bars(sheet)}
{_events(sheet.rows[0]) if sheet.rows else ""}
<table><thead><tr><th>Level</th><th>Method</th><th>Events</th><th>Error</th><th>Bias</th><th>Missing</th>
<th>Band of one event</th><th>Gate</th></tr></thead><tbody>
{"".join(_cells(row) for row in sheet.rows)}</tbody></table>
"""


def _bars(sheet: Sheet) -> str:
    shown = [row for row in sheet.rows if row.rrmse_pu is not None]
    sizes = [abs(v) for row in shown for v in (row.rrmse_pu, *row.band_pu) if v is not None]
    reach = min(max([sheet.gate_rrmse_pu * 1.5, *sizes]), 1.5)
    gate, height = _x(sheet.gate_rrmse_pu, reach), ROW * max(len(shown), 1) + 30
    bars = "\n".join(_bar(place, row, reach) for place, row in enumerate(shown))
    return f"""<svg viewBox="0 0 {LEFT + WIDTH} {height}" role="img" aria-label="Error, bias and band of each method">
<line x1="{gate:.1f}" x2="{gate:.1f}" y1="0" y2="{height - 24}" stroke="#b00" stroke-dasharray="4 3"/>
<text x="{gate + 4:.1f}" y="{height - 8}">gate {sheet.gate_rrmse_pu:.0%}</text>
{bars}</svg>"""


def _x(value_pu: float, reach: float) -> float:
    """Position of a share on an axis from -reach to reach."""
    return LEFT + WIDTH * (0.5 + 0.5 * min(max(value_pu / reach, -1.0), 1.0))


def _bar(place: int, row: FitRow, reach: float) -> str:
    top, zero = place * ROW + 4, _x(0.0, reach)
    colour = "#2a6f4e" if row.passes else "#8a8f98"
    error, bias = _x(row.rrmse_pu or 0.0, reach), _x(row.bias_pu or 0.0, reach)
    parts = [
        f'<text x="0" y="{top + 13}">{escape(row.method)} ({escape(row.level.lower())})</text>',
        f'<rect x="{zero:.1f}" y="{top}" width="{error - zero:.1f}" height="16" fill="{colour}"/>',
        f'<circle cx="{bias:.1f}" cy="{top + 8}" r="4" fill="#111"/>',
    ]
    if row.band_pu[0] is not None and row.band_pu[1] is not None:
        low, high = _x(row.band_pu[0], reach), _x(row.band_pu[1], reach)
        parts.append(f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{top + 8}" y2="{top + 8}" stroke="#111"/>')
    return "".join(parts)


def _events(row: FitRow) -> str:
    """Baseline (open) and meter (filled) of every placebo event, kWh."""
    if not row.placebo:
        return ""
    top = max(max(base, actual) for _, base, actual in row.placebo) or 1.0
    step = (LEFT + WIDTH - 60) / len(row.placebo)
    parts = [f'<text x="0" y="14">{top:.3g} kWh</text><text x="0" y="{PLOT_HEIGHT - 20}">0</text>']
    for place, (day, base, actual) in enumerate(row.placebo):
        x = 60 + step * (place + 0.5)
        heights = [PLOT_HEIGHT - 24 - (PLOT_HEIGHT - 40) * max(value, 0.0) / top for value in (base, actual)]
        parts.append(
            f"<g><title>{escape(day)}: baseline {base:.3f} kWh, meter {actual:.3f} kWh</title>"
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{heights[0]:.1f}" y2="{heights[1]:.1f}" stroke="#8a8f98"/>'
            f'<circle cx="{x:.1f}" cy="{heights[0]:.1f}" r="4" fill="#fff" stroke="#2a6f4e" stroke-width="2"/>'
            f'<circle cx="{x:.1f}" cy="{heights[1]:.1f}" r="4" fill="#111"/></g>'
        )
    first, last = row.placebo[0][0], row.placebo[-1][0]
    parts.append(f'<text x="60" y="{PLOT_HEIGHT - 4}">{escape(first)} to {escape(last)}</text>')
    label = f"{escape(row.method)}: baseline and meter of each placebo event"
    return (
        f'<p>{label} (open: baseline, filled: meter)</p>\n<svg viewBox="0 0 {LEFT + WIDTH} {PLOT_HEIGHT}" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg>'
    )


def _cells(row: FitRow) -> str:
    cells = (
        row.level.lower(), row.method, str(row.events), _pct(row.rrmse_pu), _pct(row.bias_pu), _pct(row.missing_pu),
        f"{_pct(row.band_pu[0])} to {_pct(row.band_pu[1])}", "passes" if row.passes else "fails",
    )  # fmt: skip
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>\n"


def _pct(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
