"""What our PDF documents have in common."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fpdf import FPDF


def document(title: str, as_of: datetime) -> FPDF:
    """An A4 document with one empty page; the same content gives the same bytes."""
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.set_creation_date(as_of)
    pdf.set_title(title)
    pdf.set_producer("vpp")
    pdf.set_auto_page_break(True, margin=20)
    pdf.add_page()
    return pdf


def latin(text: str) -> str:
    """Characters outside Latin-1, which the built-in fonts have not, become question marks."""
    return text.encode("latin-1", errors="replace").decode("latin-1")
