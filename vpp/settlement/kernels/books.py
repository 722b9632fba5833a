"""The ledger in the text forms that other accounting tools read."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from vpp.lib.sheets import plain

# roots of Beancount's five account types, by kind of our account
BEANCOUNT_ROOTS: Mapping[str, str] = {
    "MARKET_RECEIVABLE": "Assets:Receivable:Markets",
    "OWNER_PAYABLE": "Liabilities:Payable:Owners",
    "FEES": "Income:Fees",
    "MARGIN": "Income:Margin",
    "PENALTIES": "Expenses:Penalties",
    "PORTFOLIO_EFFECT": "Income:PortfolioEffect",
    "CASH": "Assets:Bank",
    "DISPUTES_HELD": "Liabilities:DisputesHeld",
}


@dataclass(frozen=True, slots=True)
class Account:
    """An account: its kind and, for an owner's, the owner's code."""

    kind: str
    owner: str = ""

    @property
    def beancount_name(self) -> str:
        """Components start with a capital or a digit and hold letters, digits and dashes only."""
        root = BEANCOUNT_ROOTS[self.kind]
        return f"{root}:O-{re.sub(r'[^A-Za-z0-9-]', '-', self.owner)}" if self.owner else root


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal; postings (account, amount, currency), debit positive, sum to zero per currency."""

    day: date
    key: str
    description: str
    postings: Sequence[tuple[Account, Decimal, str]]


def beancount_text(entries: Sequence[Entry], title: str) -> str:
    """A whole Beancount file: accounts opened on the first day, one transaction per journal."""
    lines = [f'option "title" "{_quoted(title)}"', ""]
    accounts = sorted({account.beancount_name for entry in entries for account, _, _ in entry.postings})
    first = min((entry.day for entry in entries), default=None)
    lines += [f"{first} open {name}" for name in accounts]
    for entry in entries:
        lines += ["", f'{entry.day} * "{_quoted(entry.description)}"', f'  journal: "{_quoted(entry.key)}"']
        lines += [f"  {account.beancount_name}  {amount} {currency}" for account, amount, currency in entry.postings]
    return "\n".join(lines) + "\n"


def csv_text(entries: Sequence[Entry]) -> str:
    """One row per journal line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["date", "journal", "description", "account", "owner", "amount", "currency"])
    for entry in entries:
        for account, amount, currency in entry.postings:
            day, kind = entry.day.isoformat(), account.kind
            texts = (entry.key, entry.description, kind, account.owner)
            writer.writerow([day, *map(plain, texts), amount, currency])
    return out.getvalue()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
