"""`manage.py component FILE.json`: one market-side component as a file, its amount on the standard output."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.lib.errors import DomainError


class Command(commands.ServiceCommand):
    help = "Compute one component (JSON: kind, date, quantities, prices; see docs/settlement.md)."
    examples = ("component question.json",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the question, JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import queries

        path = options["file"]
        try:
            question = json.loads(commands.text_of(path))
            if not isinstance(question, dict):
                raise ValueError("the question is not a JSON object")
            answer = queries.component_answer(question)
        except DomainError as error:
            raise CommandError(f"{path}: {error.message}") from error
        except ValueError as error:
            raise CommandError(f"{path}: {error}") from error
        self.stdout.write(json.dumps(answer, indent=2))
