"""`manage.py link_devices FILE.csv`, or `--station CODE --device CODE`: which gateway reaches which device."""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.dispatch.operations.links import BadLinks, NewLink, add_station, set_links
from vpp.enrollment.models import Device
from vpp.lib import clock


class Command(commands.ServiceCommand):
    help = (
        "Set the links of devices from a CSV file (device,protocol,address), or make a charging station whose EVSEs"
        " 1, 2, ... are the given devices and print its password (docs/dispatch.md)."
    )
    examples = (
        "link_devices links.csv",
        "link_devices --station CS-1 --device charger-1 --device charger-2",
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
            return set_links(_read(commands.text_of(path)), at=clock.now(), actor="link_devices")
        except BadLinks as error:
            raise CommandError(f"{path}: {error}") from None


def _read(text: str) -> list[NewLink]:
    """Rows of a CSV file. Raises BadLinks where one is short of a column."""
    rows = csv.DictReader(StringIO(text, newline=""))
    wanted = ("device", "protocol", "address")
    if missing := [name for name in wanted if name not in (rows.fieldnames or ())]:
        raise BadLinks(f"there is no column {missing[0]!r}; the first line names {','.join(wanted)}")
    links = []
    for row in rows:
        if None in (row["device"], row["protocol"], row["address"]):
            raise BadLinks(f"line {rows.line_num} has fewer cells than the first line")
        links.append(NewLink(row["device"], row["protocol"], row["address"]))
    return links
