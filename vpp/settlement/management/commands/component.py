"""`manage.py component FILE.json`: one market-side component as a file, its amount on the standard output."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vpp.lib.errors import DomainError


class Command(BaseCommand):
    help = "Compute one component (JSON: kind, date, quantities, prices; see docs/settlement.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import queries

        path = options["file"]
        try:
            question = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(question, dict):
                raise ValueError("the question is not a JSON object")
            answer = queries.component_answer(question)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except DomainError as error:
            raise CommandError(f"{path}: {error.message}") from error
        except ValueError as error:
            raise CommandError(f"{path}: {error}") from error
        self.stdout.write(json.dumps(answer, indent=2))
