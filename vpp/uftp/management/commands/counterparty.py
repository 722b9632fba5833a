"""`manage.py counterparty add|list|rotate|bar|own-key`: the address book of UFTP."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.lib import clock
from vpp.lib.errors import DomainError


def _ean(text: str) -> tuple[str, str]:
    point, equals, ean = text.rpartition("=")
    if not equals:
        raise ArgumentTypeError(f"{text!r} is not CONGESTION_POINT=EAN")
    return point, ean


class Command(commands.ServiceCommand):
    help = "Who trades with us over UFTP: domain, role, keys, endpoint; and our own key."
    examples = (
        "counterparty add dso.example --public-key cs1.MCow... --endpoint "
        "https://uftp.dso.example/shapeshifter/api/v3/message",
        "counterparty list",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, help="what to do; each explains itself with --help")
        add = steps.add_parser("add", help="add a counterparty, or change what is known of it")
        add.add_argument("domain", help="as it names itself in its messages")
        add.add_argument(
            "--role",
            choices=["DSO", "CRO"],
            default="DSO",
            help="grid operator (DSO, default) or common reference operator (CRO)",
        )
        add.add_argument("--participant", default="", help="code of the utility it speaks for (default: the domain)")
        add.add_argument("--name", default="", help="of a participant that is not there yet")
        add.add_argument("--endpoint", required=True, help="https://HOST/shapeshifter/api/v3/message")
        add.add_argument("--public-key", required=True, help="32 bytes in base64, with or without cs1.")
        add.add_argument(
            "--uftp-version", default="3.1.0", choices=["3.0.0", "3.1.0"], help="what we send unasked (default 3.1.0)"
        )
        add.add_argument(
            "--oauth",
            nargs=3,
            metavar=("TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET"),
            help="where its endpoint wants a bearer token",
        )
        add.add_argument(
            "--ean", action="append", default=[], type=_ean, metavar="CONGESTION_POINT=EAN", help="for Metering"
        )
        steps.add_parser("list", help="the address book, and our own public key")
        rotate = steps.add_parser("rotate", help="a counterparty's new key; the old one stays good for a week")
        rotate.add_argument("domain", help="whose key it is")
        rotate.add_argument("--role", choices=["DSO", "CRO"], default="DSO", help="default DSO")
        rotate.add_argument("--public-key", required=True, help="the new one")
        rotate.add_argument(
            "--overlap-days", type=float, default=7.0, help="how long the old one stays good (default 7)"
        )
        bar = steps.add_parser("bar", help="answer a counterparty with Barred Sender; --off ends it")
        bar.add_argument("domain", help="who is barred")
        bar.add_argument("--role", choices=["DSO", "CRO"], default="DSO", help="default DSO")
        bar.add_argument("--off", action="store_true", help="let it in again")
        own = steps.add_parser("own-key", help="our public key; --new makes another one, which signs from now on")
        own.add_argument("--new", action="store_true", help="tell the others first")
        for step in (add, rotate, own):
            step.add_argument("--at", type=commands.moment, help="from when on the key is good (default: now)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, "_" + options["step"].replace("-", "_"))(options)
        except DomainError as error:
            raise CommandError(error.message) from error

    def _at(self, options: dict[str, Any]) -> datetime:
        return options.get("at") or clock.now()

    def _add(self, options: dict[str, Any]) -> None:
        from vpp.uftp.address_book import Entry, add_counterparty

        entry = Entry(
            domain=options["domain"],
            role=options["role"],
            participant=options["participant"] or options["domain"],
            name=options["name"],
            endpoint=options["endpoint"],
            public_key=options["public_key"],
            version=options["uftp_version"],
            oauth=tuple(options["oauth"]) if options["oauth"] else None,
            eans=dict(options["ean"]),
        )
        self.stdout.write(f"added {add_counterparty(entry, at=self._at(options), actor='command')}")
        self._own_key({"new": False, "at": options["at"]})

    def _list(self, options: dict[str, Any]) -> None:
        from vpp.uftp.models import Counterparty

        for one in Counterparty.objects.select_related("participant").order_by("domain", "role"):
            state = "barred" if one.barred else "open"
            self.stdout.write(f"{one.domain} {one.role} {one.participant} {one.version} {state} {one.endpoint}")
            for key in one.keys.order_by("valid_from"):
                until = f"until {key.valid_until:%Y-%m-%d %H:%M} UTC" if key.valid_until else "in use"
                self.stdout.write(f"  {key.public_key} from {key.valid_from:%Y-%m-%d %H:%M} UTC, {until}")
        self._own_key({"new": False})

    def _rotate(self, options: dict[str, Any]) -> None:
        from vpp.uftp.address_book import rotate_key

        overlap = timedelta(days=options["overlap_days"])
        key = rotate_key(
            domain=options["domain"],
            role=options["role"],
            public_key=options["public_key"],
            at=self._at(options),
            actor="command",
            overlap=overlap,
        )
        self.stdout.write(f"{key.public_key} is good from now on; the one before for {options['overlap_days']:g} days")

    def _bar(self, options: dict[str, Any]) -> None:
        from vpp.uftp.address_book import UnknownCounterparty, find_counterparty

        found = find_counterparty(options["domain"].lower(), options["role"])
        if found is None:
            raise UnknownCounterparty(f"there is no {options['role']} {options['domain']} in the address book")
        found.barred = not options["off"]
        found.save(update_fields=["barred"])
        self.stdout.write(f"{found} is {'barred' if found.barred else 'open'}")

    def _own_key(self, options: dict[str, Any]) -> None:
        from vpp.uftp.keys import make_own_key, own_key

        at = self._at(options)
        key = make_own_key(at=at) if options["new"] else own_key(at=at)
        self.stdout.write(f"we are {settings.UFTP_DOMAIN} AGR, our public key is cs1.{key.public_key}")
