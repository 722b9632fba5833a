"""`manage.py simulate_fleet FOLDER`: the devices of a folder, alive, at the service's door (docs/dispatch.md)."""

from __future__ import annotations

import os
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.jobs.signals import stop_on_signal
from vpp.lib import clock
from vpp.simulation.client import Client, HttpRefused, Unreachable
from vpp.simulation.kernels.faults import FaultRates
from vpp.simulation.kernels.link_faults import AnswerQueue, LinkFaults
from vpp.simulation.live.devices import LiveFleet
from vpp.simulation.live.links import CommandLink, OverHttp, OverMqtt
from vpp.simulation.live.made_up import write_fleet
from vpp.simulation.live.runner import LiveRunner
from vpp.simulation.live.worlds import LiveWorld
from vpp.simulation.trial import Trial, away, no_trial

FAULTS = {
    "late": "answers that come late (up to 10 s)",
    "lost": "answers that never come",
    "doubled": "answers that come twice",
    "reordered": "answers that swap places",
    "drop-out": "devices that hear, answer and report nothing for some hours of the day",
    "disobey": "devices that accept and do as they like for some hours",
    "slow": "devices that act a step late for some hours",
    "drift": "devices that do ever less of what is asked",
}


class Command(commands.ServiceCommand):
    help = (
        "Simulate the devices of a folder of import files in real time: physics, commands over MQTT (--mqtt) or HTTP,"
        " readings over HTTP, and seeded faults. --make N writes such a folder first and ends."
    )
    examples = (
        "simulate_fleet",
        "simulate_fleet folder --make 1000",
        "simulate_fleet folder --mqtt mqtt://127.0.0.1:1883 --late 0.05",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?", help="devices.csv, ...; default: that of prepare_trial")
        parser.add_argument(
            "--make", type=int, metavar="N", help="write import files of N made-up devices to the folder"
        )
        parser.add_argument("--url", help="of the service; default: that of prepare_trial, or http://127.0.0.1:8000")
        parser.add_argument("--token", help="with dispatch:read and telemetry:write; default VPP_TOKEN or the trial's")
        parser.add_argument("--mqtt", default=os.environ.get("VPP_MQTT_URL", ""), help="mqtt://host:port; default HTTP")
        parser.add_argument("--step", type=int, default=60, help="seconds of a step, a divisor of 900; default 60")
        parser.add_argument("--zone", default="Europe/Berlin", help="whose days the devices live")
        parser.add_argument("--seed", type=int, default=7, help="of the faults and of made-up devices (default 7)")
        parser.add_argument("--steps", type=int, default=0, help="end after so many steps; default: until Ctrl-C")
        for name, what in FAULTS.items():
            parser.add_argument(f"--{name}", type=float, default=0.0, metavar="PU", help=f"share (0 to 1) of {what}")

    def handle(self, *args: Any, **options: Any) -> None:
        trial, stop = Trial.load(), stop_on_signal()
        folder = options["folder"] or (Path(trial.folder) if trial else None)
        if folder is None:
            raise CommandError("give a FOLDER, or run prepare_trial first")
        if options["make"]:
            write_fleet(folder, options["make"], seed=options["seed"])
            self.stdout.write(f"{options['make']} devices in {folder}: import_sites and link_devices bring them in")
            return
        if options["step"] < 1 or 900 % options["step"]:
            raise CommandError("--step must divide 900")
        trial = trial or no_trial()
        url, token = (
            options["url"] or trial.url,
            options["token"] or os.environ.get("VPP_TOKEN") or trial.tokens["gateway"],
        )
        self._run(folder, Client(url, token), self._link(options, url, token), options, stop)

    def _link(self, options: dict[str, Any], url: str, token: str) -> CommandLink:
        if not options["mqtt"]:
            return OverHttp(Client(url, token))
        try:
            return OverMqtt(options["mqtt"], f"simulated-fleet-{os.getpid()}")
        except OSError as error:
            raise CommandError(f"--mqtt {options['mqtt']}: {error}") from None

    def _run(
        self, folder: Path, client: Client, link: CommandLink, options: dict[str, Any], stop: threading.Event
    ) -> None:
        o = options
        rates = FaultRates(o["disobey"], o["drop_out"], o["slow"], o["drift"])
        answers = AnswerQueue(LinkFaults(o["late"], o["lost"], o["doubled"], o["reordered"]), o["seed"])
        make = LiveWorld(folder).maker(seed=o["seed"], rates=rates, step_s=o["step"])
        runner = LiveRunner(client, link, LiveFleet(make, o["zone"], o["step"]), answers)
        runner.start(clock.now())
        self.stdout.write(f"{runner.size:,} devices of {folder} live, commands over {'MQTT' if o['mqtt'] else 'HTTP'}")
        steps = 0
        while not stop.is_set() and (not o["steps"] or steps < o["steps"]):
            try:
                report = runner.turn(clock.now())
            except (HttpRefused, Unreachable, OSError) as error:
                self.stderr.write(away(error))
                stop.wait(2.0)
                continue
            if report:
                steps += 1
                self.stdout.write(report)
            stop.wait(0.05)
        link.close()
        client.close()
