"""`manage.py uftp test|offer|revoke|prognosis|metering`: what staff send by hand."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError

from bidding.models import Bid
from vpp.accounts import commands
from vpp.lib import clock
from vpp.lib.errors import DomainError
from vpp.lib.periods import DeliveryDay
from vpp.network.models import CongestionPoint


def _isps(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise ArgumentTypeError(f"{text!r} is not FIRST-LAST, as 69-76")
    return int(first), int(last)


class Command(commands.ServiceCommand):
    help = "Send a UFTP message: a test, an offer nobody asked for, a revocation, a prognosis, metered values."
    examples = (
        "uftp test dso.example",
        "uftp offer ea1.2016-01.dso.example:LV1 --date 2016-03-12 --isps 69-76 --kw 20",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, help="what to send; each explains itself with --help")
        steps.add_parser("test").add_argument("domain", help="of the counterparty")
        steps.add_parser("revoke", help="take back a bid that was not ordered").add_argument(
            "bid", type=int, help="its number, as the console shows it"
        )
        offer = steps.add_parser("offer", help="flexibility that nobody asked for")
        offer.add_argument("congestion_point", help="its code")
        offer.add_argument("--date", type=commands.day, required=True, help="delivery day, YYYY-MM-DD")
        offer.add_argument("--isps", required=True, type=_isps, metavar="FIRST-LAST", help="of the day, from 1")
        offer.add_argument("--kw", type=commands.positive, required=True, help="in each of them")
        offer.add_argument(
            "--direction",
            choices=["UP", "DOWN"],
            default="UP",
            help="UP (default): less consumption or more production",
        )
        for name in ("prognosis", "metering"):
            step = steps.add_parser(name)
            step.add_argument("congestion_point", help="its code")
            step.add_argument("--date", type=commands.day, required=True, help="delivery day, YYYY-MM-DD")
        for step in steps.choices.values():
            step.add_argument("--at", type=commands.moment, help="the moment to act at (default: now)")

    def handle(self, *args: Any, **options: Any) -> None:
        options["at"] = options["at"] or clock.now()
        try:
            self.stdout.write(getattr(self, "_" + options["step"])(options))
        except DomainError as error:
            raise CommandError(error.message) from error

    def _test(self, options: dict[str, Any]) -> str:
        from shapeshifter_uftp.uftp import TestMessage

        from vpp.uftp import outbox
        from vpp.uftp.address_book import UnknownCounterparty, find_counterparty

        counterparty = find_counterparty(options["domain"].lower(), "DSO")
        if counterparty is None:
            raise UnknownCounterparty(f"there is no DSO {options['domain']} in the address book")
        at = options["at"]
        return f"queued {outbox.queue(counterparty, TestMessage(), at=at, natural_key=f'test:{at.isoformat()}')}"

    def _revoke(self, options: dict[str, Any]) -> str:
        from bidding import operations

        bid = Bid.objects.select_related("ask").filter(pk=options["bid"]).first()
        if bid is None:
            raise CommandError(f"there is no bid {options['bid']}")
        return f"{operations.revoke_bid(bid=bid, at=options['at'], actor='command')} is revoked"

    def _offer(self, options: dict[str, Any]) -> str:
        from bidding.distribution.venues import distribution_market
        from vpp.uftp import reports

        point = self._point(options)
        day = DeliveryDay(options["date"], distribution_market(point.feeder.code).time_zone)
        first, last = options["isps"]
        quantity_kw = [options["kw"] if first <= number <= last else 0.0 for number in range(1, day.n_intervals + 1)]
        ask = reports.offer_unasked(
            point, day.date, direction=options["direction"], quantity_kw=quantity_kw, at=options["at"]
        )
        return f"{ask}: what of it is free will be offered"

    def _prognosis(self, options: dict[str, Any]) -> str:
        from vpp.uftp import reports

        point, at = self._point(options), options["at"]
        key = f"prognosis:{point.pk}:{options['date']}:{at.isoformat()}"
        return f"queued {reports.send_prognosis(self._owner(point), point, options['date'], at=at, natural_key=key)}"

    def _metering(self, options: dict[str, Any]) -> str:
        from vpp.uftp import reports

        point = self._point(options)
        row = reports.send_metering(self._owner(point), point, options["date"], at=options["at"])
        if row is None:
            raise CommandError("the counterparty has no EAN for this point, or there are no readings")
        return f"queued {row}"

    def _point(self, options: dict[str, Any]) -> CongestionPoint:
        points = CongestionPoint.objects.select_related("feeder", "utility")
        point = points.filter(code=options["congestion_point"]).first()
        if point is None:
            raise CommandError(f"there is no congestion point {options['congestion_point']!r}")
        return point

    def _owner(self, point: CongestionPoint) -> Any:
        from vpp.uftp.models import Counterparty

        found = Counterparty.objects.filter(participant=point.utility, role="DSO").first()
        if found is None:
            raise CommandError(f"{point.utility} is not in the address book")
        return found
