"""`manage.py baseline FILE.json`: one baseline question as a file, its answer on the standard output."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.settlement.queries.baselines import baseline_answer


class Command(commands.ServiceCommand):
    help = "Answer one baseline question (JSON, see docs/settlement.md); import is positive, null is missing."
    examples = ("baseline question.json",)
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the question, JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"]
        try:
            question = json.loads(commands.text_of(path))
            if not isinstance(question, dict):
                raise ValueError("the question is not a JSON object")
            answer = baseline_answer(question)
        except ValueError as error:
            raise CommandError(f"{path}: {error}", returncode=1) from error
        self.stdout.write(json.dumps(answer, indent=2))
