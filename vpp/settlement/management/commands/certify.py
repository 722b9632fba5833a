"""`manage.py certify CODE...`: how well each baseline fits a device or site, on days without dispatch."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q

from vpp.accounts import commands
from vpp.enrollment.models import Device
from vpp.lib import clock
from vpp.settlement.models import Certification


class Command(commands.ServiceCommand):
    help = "Try every baseline on placebo events and keep the result; gate: error at most 20 %, bias within 4 %."
    examples = (
        "certify site-1 --until 2016-03-09 --html fit.html",
        "certify site-1 --adopt 2016-04-01",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("codes", nargs="+", help="device, meter or site codes; of a site its meter is taken")
        parser.add_argument("--until", type=commands.day, help="last placebo day; yesterday without it")
        parser.add_argument("--days", type=int, default=20, help="placebo business days")
        parser.add_argument("--html", type=commands.new_file, help="write a page with plots")
        parser.add_argument(
            "--from-hour", type=int, default=16, help="local hour in which a placebo event begins (default 16)"
        )
        parser.add_argument("--to-hour", type=int, default=20, help="and ends (default 20)")
        parser.add_argument("--adopt", type=commands.day, help="settle the sites by what passes, from this date")

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import operations

        devices = [_device(code) for code in options["codes"]]
        if not 0 <= options["from_hour"] < options["to_hour"] <= 24 or options["days"] < 1:
            raise CommandError("the event must end after it starts, within one day, on at least one day")
        now = clock.now()
        made = operations.certify_devices(
            devices,
            last_day=options["until"] or now.date() - timedelta(days=1),
            days=options["days"],
            first_hour=options["from_hour"],
            last_hour=options["to_hour"],
            at=now,
        )
        for certification in made:
            self._print(certification)
            if options["adopt"] and certification.best_profile:
                method = operations.adopt_certification(certification, valid_from=options["adopt"], at=now)
                self.stdout.write(f"adopted: {method}")
        if options["html"]:
            from vpp.settlement.kernels.certification_page import certification_page
            from vpp.settlement.queries.certification import as_sheet

            options["html"].write_text(certification_page([as_sheet(one) for one in made]), encoding="utf-8")

    def _print(self, certification: Certification) -> None:
        self.stdout.write(f"{certification.device.code}: {certification.get_level_display()}")
        self.stdout.write(f"{'level':9} {'method':24} events   error    bias  missing  band 10-90 %   gate")
        for fit in certification.fits.select_related("profile").order_by("level", "rank"):
            self.stdout.write(
                f"{fit.level:9} {fit.profile.name:24} {fit.events:6d} {_share(fit.rrmse_pu, '7.1%')} "
                f"{_share(fit.bias_pu, '+7.1%')} {fit.missing_pu:8.1%}  {_share(fit.band_low_pu, '+.1%')} "
                f"{_share(fit.band_high_pu, '+.1%')}  {'ok' if fit.passes else 'no'}"
            )
        if not certification.passes:
            self.stdout.write(f"no method passes at the site: {certification.reason}")


def _device(code: str) -> Device:
    found = Device.objects.select_related("site").filter(Q(code=code) | Q(site__code=code, kind=Device.Kind.METER))
    device = found.order_by("code").first()
    if device is None:
        raise CommandError(f"there is no device {code!r} and no site {code!r} with a meter")
    return device


def _share(value: float | None, form: str) -> str:
    return "      -" if value is None else format(value, form)
