"""The end-of-day report on one commit, as a table, a page and a sheet of paper. The same input gives the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING

from vpp.lib.sheets import plain
from vpp.settlement.kernels.pdf import document, latin

if TYPE_CHECKING:
    from fpdf import FPDF


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval; power in kW, ordered and delivered in the direction of the ask, None where nothing is known. Of
    reactive power, in kvar, there is neither baseline nor meter."""

    start: datetime
    baseline_kw: float | None
    ordered_kw: float
    metered_kw: float | None
    delivered_kw: float | None

    @property
    def deficiency_kw(self) -> float | None:
        """What was ordered and not delivered, never below 0."""
        return None if self.delivered_kw is None else max(0.0, self.ordered_kw - self.delivered_kw)


@dataclass(frozen=True, slots=True)
class ReportView:
    """All that a report shows; the intervals are those with an order."""

    ask: str
    revision: int
    bid: int
    commit: str
    congestion_point: str
    direction: str
    delivery_date: date
    version: int
    state: str
    as_of: datetime
    time_zone: str
    price_per_mwh: float
    share: float | None
    revenue: Decimal
    penalty: Decimal
    currency: str
    intervals: Sequence[Interval]
    most_kvar: float = 0.0
    unit: str = "kW"

    @property
    def title(self) -> str:
        return f"Performance on ask {self.ask}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        share = "none" if self.share is None else f"{100 * self.share:.1f} %"
        reactive = [("Reactive power", f"up to {self.most_kvar:.1f} kvar ordered; {self._known}")]
        upward, downward = ("less consumption", "more consumption") if self.unit == "kW" else ("injects", "absorbs")
        return [
            ("Delivery day", f"{self.delivery_date} ({self.time_zone})"),
            ("Congestion point", self.congestion_point),
            ("Direction", f"{self.direction} ({upward if self.direction == 'UP' else downward})"),
            ("Record", f"ask {self.ask} revision {self.revision}, bid {self.bid}, commit {self.commit}"),
            (
                "Settlement",
                f"version {self.version}, {self.state.lower()}, as known at {self.as_of:%Y-%m-%d %H:%M} UTC",
            ),
            ("Price", f"{self.price_per_mwh:.2f} {self.currency}/{'MWh' if self.unit == 'kW' else 'Mvarh'}"),
            ("Delivered of ordered", share),
            ("Due", f"{self.revenue} {self.currency}"),
            ("Taken off", f"{self.penalty} {self.currency}"),
            ("Net", f"{self.revenue - self.penalty} {self.currency}"),
            *(reactive if self.most_kvar else []),
        ]

    @property
    def _known(self) -> str:
        if any(one.delivered_kw is not None for one in self.intervals):
            return "delivered as the inverters tell it, it is not metered"
        return "no device was asked for it and it is not metered, nothing is due"

    @property
    def headings(self) -> tuple[str, ...]:
        return ("From (UTC)", *(f"{name.capitalize()} {self.unit}" for name in COLUMNS))


COLUMNS = ("baseline", "ordered", "metered", "delivered", "deficiency")


def _cells(one: Interval) -> tuple[str, ...]:
    values = (one.baseline_kw, one.ordered_kw, one.metered_kw, one.delivered_kw, one.deficiency_kw)
    return (f"{one.start:%Y-%m-%d %H:%M}", *("" if value is None else f"{value:.3f}" for value in values))


def as_csv(view: ReportView) -> str:
    """One row per interval, then the sums in rows of their own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["ask", "interval_start", *(f"{name}_{view.unit.lower()}" for name in COLUMNS)])
    for one in view.intervals:
        writer.writerow([plain(view.ask), *_cells(one)])
    for name, amount in (("due", view.revenue), ("penalty", view.penalty), ("net", view.revenue - view.penalty)):
        writer.writerow([plain(view.ask), name, amount, view.currency, "", "", ""])
    return out.getvalue()


def as_html(view: ReportView) -> str:
    """A page that needs nothing else."""
    facts = "\n".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in view.facts)
    heads = "".join(f"<th>{heading}</th>" for heading in view.headings)
    rows = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in _cells(one)) + "</tr>" for one in view.intervals)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(view.title)}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}}
table{{border-collapse:collapse;margin-bottom:1.5rem}}th,td{{padding:.25rem .7rem;border-bottom:1px solid #ccc}}
th{{text-align:left}}.n td:nth-child(n+2){{text-align:right;font-variant-numeric:tabular-nums}}</style></head><body>
<h1>{escape(view.title)}</h1>
<table>{facts}</table>
<table class="n"><thead><tr>{heads}</tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""


def as_pdf(views: Sequence[ReportView]) -> bytes:
    """An A4 document, each view on pages of its own; characters outside Latin-1 become question marks."""
    pdf = document(views[0].title, views[0].as_of)
    for number, view in enumerate(views):
        if number:
            pdf.add_page()
        _write(pdf, view)
    return bytes(pdf.output())


def _write(pdf: FPDF, view: ReportView) -> None:
    pdf.set_font("Helvetica", style="B", size=16)
    pdf.multi_cell(0, 9, latin(view.title), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Helvetica", size=9)
    with pdf.table(col_widths=(25, 75), first_row_as_headings=False, text_align="LEFT") as table:
        for row in view.facts:
            table.row([latin(text) for text in row])
    pdf.ln(4)
    with pdf.table(col_widths=(25, 15, 15, 15, 15, 15), text_align=("LEFT", *["RIGHT"] * 5)) as table:
        for cells in (view.headings, *(_cells(one) for one in view.intervals)):
            table.row([latin(text) for text in cells])
