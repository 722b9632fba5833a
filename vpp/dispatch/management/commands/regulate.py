"""`manage.py regulate --portfolio CODE`: follow a regulation signal that comes over MQTT (docs/dispatch.md)."""

from __future__ import annotations

import os
import queue
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connection

from vpp.accounts import commands
from vpp.enrollment.models import Portfolio
from vpp.jobs.signals import stop_on_signal
from vpp.lib import clock

TELL_AFTER = 15  # signals: a line a minute


class Command(commands.ServiceCommand):
    help = "Split a regulation signal of a few seconds over a portfolio's devices behind MQTT gateways, until SIGTERM."
    examples = ("regulate --portfolio PF-DE --seconds 4",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        url = os.environ.get("VPP_MQTT_URL", "mqtt://127.0.0.1:1883")
        parser.add_argument("--portfolio", required=True, help="its code")
        parser.add_argument("--url", default=url, help="mqtt[s]://user:password@host:port; default VPP_MQTT_URL")
        parser.add_argument("--seconds", type=commands.positive, default=4.0, help="between two signals (default 4)")

    def handle(self, *args: Any, **options: Any) -> None:
        import msgspec

        from vpp.dispatch.gateway.regulating import SIGNAL, Regulator, Score, Signal
        from vpp.dispatch.gateway.session import Session

        portfolio = Portfolio.objects.filter(code=options["portfolio"]).first()
        if portfolio is None:
            raise CommandError(f"no such portfolio: {options['portfolio']}")
        stop, regulator = stop_on_signal(), Regulator(portfolio, options["seconds"])
        topic = SIGNAL.format(portfolio=portfolio.code)
        name = f"vpp-regulation-{portfolio.code}"
        try:
            session = Session(options["url"], client_id=name, topics=(topic,), told=False)
        except ValueError as error:
            raise CommandError(f"--url: {error}", returncode=2) from None
        session.start()
        self.stdout.write(f"waiting for {topic}")
        while not stop.is_set():
            try:
                _, payload = session.answers.get(timeout=0.5)
            except queue.Empty:
                continue
            try:
                regulator.signal(msgspec.json.decode(payload, type=Signal).up_kw, clock.now(), session.send_now)
            except msgspec.MsgspecError as error:
                self.stderr.write(f"no signal: {error}")
            except (OperationalError, InterfaceError) as error:  # only the bounds are read again there, every minute
                self.stderr.write(f"the database is away: {error}")
                connection.close()
            if regulator.score.signals >= TELL_AFTER:
                score, regulator.score = regulator.score, Score()
                share_pu = 1.0 - score.missing_kw / max(score.asked_kw, 1e-9)
                self.stdout.write(f"{score.signals} signals, {share_pu:.1%} of what was asked could be given")
        session.stop()
