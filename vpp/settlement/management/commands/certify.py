"""`manage.py certify DEVICE`: how well each day-matching baseline fits a device, on days without dispatch."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vpp.enrollment.models import Device
from vpp.lib import clock


class Command(BaseCommand):
    help = "Try every day-matching baseline on placebo events; gate: error at most 20 %, bias within 4 %."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("device", help="device or meter code")
        parser.add_argument("--until", type=date.fromisoformat, help="last placebo day; yesterday without it")
        parser.add_argument("--days", type=int, default=20, help="placebo business days")
        parser.add_argument("--html", type=Path, help="write a page with a plot")
        parser.add_argument("--from-hour", type=int, default=16)
        parser.add_argument("--to-hour", type=int, default=20)

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import queries

        device = Device.objects.select_related("site").filter(code=options["device"]).first()
        if device is None:
            raise CommandError(f"there is no device {options['device']!r}")
        if not 0 <= options["from_hour"] < options["to_hour"] <= 24 or options["days"] < 1:
            raise CommandError("the event must end after it starts, within one day, on at least one day")
        now = clock.now()
        fits = queries.certify_device(
            device,
            last_day=options["until"] or now.date() - timedelta(days=1),
            days=options["days"],
            first_hour=options["from_hour"],
            last_hour=options["to_hour"],
            as_of=now,
        )
        self.stdout.write(f"{'method':24} events   error    bias  missing  band 10-90 %   gate")
        for fit in fits:
            low, high = fit.band_pu
            self.stdout.write(
                f"{fit.method:24} {fit.events:6d} {fit.rrmse_pu:7.1%} {fit.bias_pu:+7.1%} {fit.missing_pu:8.1%}"
                f"  {low:+.1%} {high:+.1%}  {'ok' if fit.passes else 'no'}"
            )
        if options["html"]:
            from vpp.settlement.kernels.certification_page import certification_page

            period = f"{options['from_hour']}:00 to {options['to_hour']}:00, {options['days']} placebo days"
            options["html"].write_text(certification_page(device.code, period, fits), encoding="utf-8")
        if not any(fit.passes for fit in fits):
            self.stdout.write("no method passes: settle this site by portfolio, device or control group")
