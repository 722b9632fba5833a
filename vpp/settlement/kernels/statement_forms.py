"""A statement as an owner gets it: a page, a table, a sheet of paper. The same input gives the same bytes."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from html import escape

from vpp.lib.sheets import plain
from vpp.settlement.kernels.pdf import document, latin


@dataclass(frozen=True, slots=True)
class Line:
    """One award of one day; gross is the owner's part of its revenue, amount what they get of it."""

    delivery_date: date
    award: str
    gross: Decimal
    fee: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class StatementView:
    """All that a statement shows. issuer and owner are names."""

    number: int | None
    version: int
    state: str
    issuer: str
    owner: str
    first_date: date
    last_date: date
    as_of: datetime
    currency: str
    lines: Sequence[Line]
    previous_total: Decimal
    total: Decimal
    difference: Decimal

    @property
    def title(self) -> str:
        name = f"Statement {self.number}" if self.number else "Provisional statement"
        return f"{name}, version {self.version}" if self.version > 1 else name

    @property
    def subtitle(self) -> str:
        return f"{self.owner}, {self.first_date} to {self.last_date}, as known at {self.as_of:%Y-%m-%d %H:%M} UTC"

    @property
    def sums(self) -> list[tuple[str, Decimal]]:
        return [
            ("Previous total", self.previous_total),
            ("Total", self.total),
            ("Difference", self.difference),
        ]


HEADINGS = ("Delivery day", "Award", "Your part", "Fee", "Amount")


def as_csv(view: StatementView) -> str:
    """Lines, then previous total, total and difference."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["delivery_date", "award", "gross", "fee", "amount", "currency"])
    for line in view.lines:
        writer.writerow([line.delivery_date, plain(line.award), line.gross, line.fee, line.amount, view.currency])
    for name, amount in view.sums:
        writer.writerow([name.lower().replace(" ", "_"), "", "", "", amount, view.currency])
    return out.getvalue()


def as_html(view: StatementView) -> str:
    """A page that needs nothing else."""
    rows = "\n".join(
        f"<tr><td>{line.delivery_date}</td><td>{escape(line.award)}</td><td>{line.gross}</td><td>{line.fee}</td>"
        f"<td>{line.amount}</td></tr>"
        for line in view.lines
    )
    sums = "\n".join(f'<tr><th colspan="4">{name}</th><th>{amount}</th></tr>' for name, amount in view.sums)
    heads = "".join(f"<th>{heading}</th>" for heading in HEADINGS)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(view.title)}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:52rem;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}}th,td{{padding:.3rem .6rem;border-bottom:1px solid #ccc;text-align:left}}
td:nth-child(n+3),th:last-child{{text-align:right;font-variant-numeric:tabular-nums}}</style></head><body>
<p>{escape(view.issuer)}</p><h1>{escape(view.title)}</h1>
<p>{escape(view.subtitle)}. State: {escape(view.state.lower())}.
All amounts in {escape(view.currency)}, rounded half to even, once a component.</p>
<table><thead><tr>{heads}</tr></thead><tbody>
{rows}
</tbody><tfoot>
{sums}
</tfoot></table></body></html>
"""


def as_pdf(view: StatementView) -> bytes:
    """An A4 document; characters outside Latin-1 become question marks."""
    pdf = document(view.title, view.as_of)
    pdf.set_font("Helvetica", size=10)
    pdf.cell(0, 6, latin(view.issuer), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Helvetica", style="B", size=16)
    pdf.cell(0, 10, latin(view.title), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Helvetica", size=10)
    pdf.multi_cell(0, 5, latin(f"{view.subtitle}. State: {view.state.lower()}. All amounts in {view.currency}."))
    pdf.ln(4)
    cells = [
        HEADINGS,
        *(
            (str(line.delivery_date), line.award, str(line.gross), str(line.fee), str(line.amount))
            for line in view.lines
        ),
    ]
    cells += [("", name, "", "", str(amount)) for name, amount in view.sums]
    with pdf.table(col_widths=(18, 42, 14, 12, 14), text_align=("LEFT", "LEFT", "RIGHT", "RIGHT", "RIGHT")) as table:
        for row in cells:
            table.row([latin(text) for text in row])
    return bytes(pdf.output())
