"""`manage.py cim_documents reserve-bid|acknowledgement|answer FILE --market CODE`: CIM documents (docs/bid.md)."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from bidding.models import Market
from bidding.operations import cim_documents
from vpp.accounts import commands
from vpp.lib import clock
from vpp.lib.errors import DomainError


class Command(commands.ServiceCommand):
    help = "Write a ReserveBid document, take in its acknowledgement, or write one as a market would."
    examples = (
        "cim_documents reserve-bid bid.xml --market RESERVE-DE --date 2016-03-12",
        "cim_documents acknowledgement ack.xml --market RESERVE-DE",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "what",
            choices=["reserve-bid", "acknowledgement", "answer"],
            help="reserve-bid writes, acknowledgement reads, answer writes as a market would",
        )
        parser.add_argument("file", type=Path, help="to write, or to read; of `answer` the ReserveBid document")
        parser.add_argument("--market", help="market code, for reserve-bid and acknowledgement")
        parser.add_argument("--date", type=commands.day, help="delivery date, for reserve-bid")
        parser.add_argument("--sender", default="AGGREGATOR", help="our code")
        parser.add_argument("--receiver", default="MARKET", help="the market's code")
        parser.add_argument("--out", type=commands.new_file, help="the acknowledgement that `answer` writes")
        parser.add_argument("--reject", action="append", default=[], metavar="SERIES", help="mRID, or `all`")
        parser.add_argument("--reason", default="", help="why, in words")

    def handle(self, *args: Any, **options: Any) -> None:
        from bidding.kernels.exchange import BadExchangeFile

        work = {"reserve-bid": self._send, "acknowledgement": self._take, "answer": self._answer}[options["what"]]
        try:
            self.stdout.write(work(options["file"], options))
        except (BadExchangeFile, OSError) as error:
            raise CommandError(f"{options['file']}: {error}", returncode=1) from error
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}", returncode=1) from error

    def _market(self, options: dict[str, Any]) -> Market:
        market = Market.objects.filter(code=options["market"]).first()
        if market is None:
            raise CommandError(f"there is no market {options['market']!r}", returncode=1)
        return market

    def _send(self, path: Path, options: dict[str, Any]) -> str:
        if options["date"] is None:
            raise CommandError("--date is needed", returncode=1)
        document, text = cim_documents.send_document(
            market=self._market(options), delivery_date=options["date"], sender=options["sender"],
            receiver=options["receiver"], at=clock.now(), actor="file",
        )  # fmt: skip
        path.write_text(text, encoding="utf-8")
        return f"{document}: {len(document.series)} time series in {path}"

    def _take(self, path: Path, options: dict[str, Any]) -> str:
        from bidding.kernels.cim import read_acknowledgement
        from bidding.kernels.cim_reading import LARGEST_BYTES

        with path.open("rb") as file:
            ack = read_acknowledgement(file.read(LARGEST_BYTES + 1))
        document = cim_documents.take_acknowledgement(
            market=self._market(options), ack=ack, at=clock.now(), actor="file"
        )
        return f"{document}: {document.get_state_display()}"

    def _answer(self, path: Path, options: dict[str, Any]) -> str:
        from bidding.kernels import cim

        if options["out"] is None:
            raise CommandError("--out is needed", returncode=1)
        mrid, revision, series = cim.read_bid_identity(path.read_bytes())
        text, rejected = options["reason"], options["reject"]
        reasons: tuple[cim.Reason, ...]
        if rejected == ["all"]:
            reasons = (cim.Reason(cim.REJECTED, text),)
        elif unknown := sorted(set(rejected) - set(series)):
            raise CommandError(f"{path} has no time series {unknown[0]!r}", returncode=1)
        elif rejected:
            reasons = (cim.Reason(cim.PARTLY), *(cim.Reason("A59", text, one) for one in rejected))
        else:
            reasons = (cim.Reason(cim.ACCEPTED, text),)
        ack = cim.Acknowledgement(f"ACK-{mrid}-{revision}"[: cim.MRID_LENGTH], mrid, revision, reasons)
        written = cim.acknowledgement_document(
            ack, sender=options["receiver"], receiver=options["sender"], created=clock.now()
        )
        options["out"].write_text(written, encoding="utf-8")
        return f"{mrid} r{revision}: {ack.code} in {options['out']}"
