"""`manage.py link_devices FILE.csv`, or `--station CODE --device CODE`: which gateway reaches which device."""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vpp.dispatch.operations.links import BadLinks, NewLink, add_station, set_links
from vpp.enrollment.models import Device
from vpp.lib import clock


class Command(BaseCommand):
    help = (
        "Set the links of devices from a CSV file (device,protocol,address), or make a charging station whose EVSEs"
        " 1, 2, ... are the given devices and print its password (docs/dispatch.md)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, nargs="?", help="device,protocol,address; protocol MQTT, HTTP, OCPP, SUNSPEC"
        )
        parser.add_argument("--station", help="code of a charging station, the last part of the address it connects to")
        parser.add_argument("--device", action="append", default=[], help="with --station: the device of an EVSE")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["station"]:
            self.stdout.write(self._station(options["station"], options["device"]))
        elif options["file"]:
            self.stdout.write(f"{self._links(options['file'])} links set")
        else:
            raise CommandError("give a FILE or --station")

    def _station(self, code: str, codes: list[str]) -> str:
        found = {device.code: device for device in Device.objects.filter(code__in=codes)}
        if missing := [one for one in codes if one not in found]:
            raise CommandError(f"no such device: {', '.join(missing)}")
        return add_station(code, [found[one] for one in codes], at=clock.now(), actor="link_devices")

    def _links(self, path: Path) -> int:
        try:
            with path.open(newline="", encoding="utf-8") as file:
                links = [NewLink(row["device"], row["protocol"], row["address"]) for row in csv.DictReader(file)]
            return set_links(links, at=clock.now(), actor="link_devices")
        except (OSError, KeyError, BadLinks) as error:
            raise CommandError(f"{path}: {error}") from None
