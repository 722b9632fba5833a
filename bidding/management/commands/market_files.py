"""`manage.py market_files bids|receipt|awards|cancellations --market CODE`: bids and results by file (docs/bid.md)."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date as Date
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from bidding.models import Market
from bidding.operations import exchange
from vpp.accounts import commands
from vpp.lib import clock
from vpp.lib.errors import DomainError


class Command(commands.ServiceCommand):
    help = "Write a market's bids to a CSV file, or take in its receipt, its awards or cancellations of them."
    examples = (
        "market_files bids bids.csv --market DAY-AHEAD-DE --date 2016-03-12",
        "market_files awards awards.csv --market DAY-AHEAD-DE",
        "market_files cancellations taken_back.csv --market DAY-AHEAD-DE",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        whats = ["bids", "receipt", "awards", "cancellations"]
        parser.add_argument("what", choices=whats, help="bids writes, the others read")
        parser.add_argument("file", type=Path, help="CSV, to write or to read")
        parser.add_argument("--market", required=True, help="market code")
        parser.add_argument("--date", type=commands.day, help="delivery date, for bids")
        parser.add_argument("--at", type=commands.moment, help="when it came in (default: now)")

    def handle(self, *args: Any, **options: Any) -> None:
        from bidding.kernels.exchange import BadExchangeFile

        market = Market.objects.filter(code=options["market"]).first()
        if market is None:
            raise CommandError(f"there is no market {options['market']!r}", returncode=1)
        path = options["file"]
        try:
            if options["what"] == "bids":
                told = self._write(market, path, options["date"])
            else:
                told = self._read(market, options["what"], commands.text_of(path), options["at"] or clock.now())
        except (BadExchangeFile, OSError) as error:
            raise CommandError(f"{path}: {error}", returncode=1) from error
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}", returncode=1) from error
        self.stdout.write(told)

    def _write(self, market: Market, path: Path, date: Date | None) -> str:
        from bidding.kernels.exchange import bids_csv

        if date is None:
            raise CommandError("--date is needed", returncode=1)
        rows = [row for bid in exchange.bids_to_send(market, date) for row in exchange.order_rows(bid)]
        path.write_text(bids_csv(rows))
        return f"{len(rows)} rows in {path}"

    def _read(self, market: Market, what: str, text: str, at: datetime) -> str:
        from bidding.kernels import exchange as files

        if what == "receipt":
            receipts = files.read_receipt(text)
            return f"{exchange.take_receipt(market=market, receipts=receipts, at=at, actor='file')} receipts taken"
        if what == "awards":
            awards = exchange.take_awards(market=market, rows=files.read_awards(text), at=at, actor="file")
            return f"{sum(award is not None for award in awards)} of {len(awards)} bids awarded"
        rows = files.read_cancellations(text)
        return f"{len(exchange.take_cancellations(market=market, rows=rows, at=at, actor='file'))} awards cancelled"
