"""`manage.py market_files bids|receipt|awards --market CODE`: bids, receipts and awards by file (docs/bid.md)."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from bidding.models import Market
from bidding.operations import exchange
from vpp.accounts import commands
from vpp.lib import clock
from vpp.lib.errors import DomainError


class Command(commands.ServiceCommand):
    help = "Write a market's bids to a CSV file, or take in its receipt or awards."
    examples = (
        "market_files bids bids.csv --market DAY-AHEAD-DE --date 2016-03-12",
        "market_files awards awards.csv --market DAY-AHEAD-DE",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["bids", "receipt", "awards"], help="bids writes, receipt and awards read")
        parser.add_argument("file", type=Path, help="CSV, to write or to read")
        parser.add_argument("--market", required=True, help="market code")
        parser.add_argument("--date", type=commands.day, help="delivery date, for bids")

    def handle(self, *args: Any, **options: Any) -> None:
        from bidding.kernels import exchange as files

        market = Market.objects.filter(code=options["market"]).first()
        if market is None:
            raise CommandError(f"there is no market {options['market']!r}", returncode=1)
        at, path = clock.now(), options["file"]
        try:
            if options["what"] == "bids":
                if options["date"] is None:
                    raise CommandError("--date is needed", returncode=1)
                rows = [
                    row for bid in exchange.bids_to_send(market, options["date"]) for row in exchange.order_rows(bid)
                ]
                path.write_text(files.bids_csv(rows))
                self.stdout.write(f"{len(rows)} rows in {path}")
            elif options["what"] == "receipt":
                receipts = files.read_receipt(commands.text_of(path))
                count = exchange.take_receipt(market=market, receipts=receipts, at=at, actor="file")
                self.stdout.write(f"{count} receipts taken")
            else:
                awarded = files.read_awards(commands.text_of(path))
                awards = exchange.take_awards(market=market, rows=awarded, at=at, actor="file")
                self.stdout.write(f"{sum(award is not None for award in awards)} of {len(awards)} bids awarded")
        except (files.BadExchangeFile, OSError) as error:
            raise CommandError(f"{path}: {error}", returncode=1) from error
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}", returncode=1) from error
