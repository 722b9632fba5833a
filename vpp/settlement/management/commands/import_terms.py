"""`manage.py import_terms FILE.json`: product terms and component inputs from a file."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from bidding.models import Award
from vpp.accounts import commands
from vpp.lib import clock
from vpp.lib.errors import DomainError


class Command(commands.ServiceCommand):
    help = (
        'Take in {"terms": [{market_code, lines, valid_from, ...}], "inputs": [{award, component, data}]}; all or none.'
    )
    examples = ("import_terms terms.json",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="JSON, see docs/settlement.md")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            content = json.loads(commands.text_of(options["file"]))
        except ValueError as error:
            raise CommandError(f"{options['file']}: {error}") from error
        if not isinstance(content, dict) or set(content) - {"terms", "inputs"}:
            raise CommandError(f"{options['file']}: a JSON object with `terms` and `inputs` is wanted")
        terms, inputs = content.get("terms", []), content.get("inputs", [])
        with transaction.atomic():
            for place, row in enumerate(terms, start=1):
                self._take(f"terms {place}", row, self._terms)
            for place, row in enumerate(inputs, start=1):
                self._take(f"inputs {place}", row, self._input)
        self.stdout.write(f"{len(terms)} terms, {len(inputs)} inputs")

    def _take(self, place: str, row: dict[str, Any], take: Any) -> None:
        try:
            take(row)
        except KeyError as error:
            raise CommandError(f"{place}: field {error.args[0]!r} is missing") from error
        except (TypeError, ValueError, DomainError) as error:
            raise CommandError(f"{place}: {error}") from error

    def _terms(self, row: dict[str, Any]) -> None:
        from vpp.settlement import operations

        operations.add_terms(**{**row, "valid_from": date.fromisoformat(row["valid_from"])}, at=clock.now())

    def _input(self, row: dict[str, Any]) -> None:
        from vpp.settlement import operations

        award = _award_of(row["award"])
        operations.add_component_input(award=award, component=row["component"], data=row["data"], at=clock.now())


def _award_of(reference: str) -> Award:
    """By its reference, with whoever gave it in brackets before it or, where that is enough, without."""
    if (exact := Award.objects.filter(source_reference=reference).first()) is not None:
        return exact
    found = Award.objects.filter(source_reference__endswith=f"] {reference}")[:2]
    if len(found) != 1:
        how_many = "more than one award; write [MARKET] before" if found else "no award"
        raise CommandError(f"there is {how_many} {reference!r}")
    return found[0]
