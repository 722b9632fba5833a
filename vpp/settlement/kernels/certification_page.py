"""The certification of a device as a page with a plot: error and bias of each method, and the band of one event."""

from collections.abc import Sequence
from html import escape

import numpy as np

from vpp.settlement.kernels.certification import GATE_BIAS_PU, GATE_RRMSE_PU, Fit

LEFT, WIDTH, ROW = 230, 560, 26
ADVICE = "No method passes: settle this site by portfolio, by device or by a control group."


def certification_page(device: str, period: str, fits: Sequence[Fit]) -> str:
    """A page that needs nothing else. Bars: error (RRMSE); marks: bias; thin lines: 10-90 % band of an event."""
    shown = [fit for fit in fits if not np.isnan(fit.rrmse_pu)]
    reach = max([GATE_RRMSE_PU * 1.5, *(abs(v) for fit in shown for v in (fit.rrmse_pu, *fit.band_pu) if v == v)])
    reach = min(reach, 1.5)
    rows = "\n".join(_row(place, fit, reach) for place, fit in enumerate(shown))
    gate = _x(GATE_RRMSE_PU, reach)
    height = ROW * max(len(shown), 1) + 30
    table = "\n".join(
        f"<tr><td>{escape(fit.method)}</td><td>{fit.events}</td><td>{_pct(fit.rrmse_pu)}</td><td>{_pct(fit.bias_pu)}</td>"
        f"<td>{_pct(fit.missing_pu)}</td><td>{_pct(fit.band_pu[0])} to {_pct(fit.band_pu[1])}</td>"
        f"<td>{'passes' if fit.passes else 'fails'}</td></tr>"
        for fit in fits
    )
    advice = "" if any(fit.passes for fit in fits) else f"<p><strong>{ADVICE}</strong></p>"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Certification of {escape(device)}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:54rem;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}}th,td{{padding:.2rem .5rem;border-bottom:1px solid #ccc;text-align:left}}
td{{font-variant-numeric:tabular-nums}}text{{font:13px system-ui,sans-serif}}</style></head><body>
<h1>Certification of {escape(device)}</h1><p>{escape(period)}. Gate: error at most {GATE_RRMSE_PU:.0%}, bias at most
{GATE_BIAS_PU:.0%} either way.</p>{advice}
<svg viewBox="0 0 {LEFT + WIDTH} {height}" role="img" aria-label="Error, bias and band of each method">
<line x1="{gate:.1f}" x2="{gate:.1f}" y1="0" y2="{height - 24}" stroke="#b00" stroke-dasharray="4 3"/>
<text x="{gate + 4:.1f}" y="{height - 8}">gate {GATE_RRMSE_PU:.0%}</text>
{rows}</svg>
<table><thead><tr><th>Method</th><th>Events</th><th>Error</th><th>Bias</th><th>Missing</th><th>Band of one event</th>
<th>Gate</th></tr></thead><tbody>
{table}
</tbody></table></body></html>
"""


def _x(value_pu: float, reach: float) -> float:
    """Position of a share on an axis from -reach to reach."""
    return LEFT + WIDTH * (0.5 + 0.5 * min(max(value_pu / reach, -1.0), 1.0))


def _row(place: int, fit: Fit, reach: float) -> str:
    top, zero = place * ROW + 4, _x(0.0, reach)
    colour = "#2a6f4e" if fit.passes else "#8a8f98"
    error, bias = _x(fit.rrmse_pu, reach), _x(fit.bias_pu, reach)
    parts = [
        f'<text x="0" y="{top + 13}">{escape(fit.method)}</text>',
        f'<rect x="{zero:.1f}" y="{top}" width="{error - zero:.1f}" height="16" fill="{colour}"/>',
        f'<circle cx="{bias:.1f}" cy="{top + 8}" r="4" fill="#111"/>',
    ]
    if not np.isnan(fit.band_pu[0]):
        low, high = (_x(value, reach) for value in fit.band_pu)
        parts.append(f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{top + 8}" y2="{top + 8}" stroke="#111"/>')
    return "".join(parts)


def _pct(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.1%}"
