"""`manage.py import_markets FILE.json`: markets and products as data (docs/bid.md, section 7)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from bidding import operations
from bidding.errors import BadMarketFile
from vpp.accounts import commands
from vpp.lib import clock


class Command(commands.ServiceCommand):
    help = "Import markets and products; all of the file or, if anything is wrong, nothing."
    examples = ("import_markets markets.json",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="JSON, see docs/bid.md section 7")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = json.loads(commands.text_of(options["file"]))
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise CommandError(f"{options['file']}: {place}: {error.msg}", returncode=1) from None
        try:
            markets, products = operations.import_markets(document, at=clock.now())
        except BadMarketFile as refused:
            for finding in refused.details["findings"]:
                self.stderr.write(finding)
            raise CommandError(refused.message, returncode=1) from None
        self.stdout.write(f"{markets} markets, {products} products")
