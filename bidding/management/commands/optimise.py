"""`manage.py optimise FILE.json [--full] [--json OUT]`: the answer to a what-if file, without touching the database."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from bidding import operations
from bidding.errors import BadWhatIf, NoAnswer
from vpp.accounts import commands


class Command(commands.ServiceCommand):
    help = "Solve one optimisation problem given as a file (docs/bid.md, section 8)."
    examples = ("optimise question.json --json answer.json",)
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the what-if file, JSON; kW, kWh, currency per MWh")
        parser.add_argument("--full", action="store_true", help="solve every storage apart, without grouping")
        parser.add_argument("--json", type=commands.new_file, help="write the answer here, not to the screen")
        parser.add_argument("--time-limit", type=commands.positive, default=900.0, help="seconds (default 900)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            raw = json.loads(commands.text_of(options["file"]))
        except ValueError as error:
            raise CommandError(f"{options['file']}: not JSON, {error}", returncode=1) from error
        try:
            answer = operations.what_if(raw, full=options["full"], time_limit_s=options["time_limit"])
        except BadWhatIf as error:
            for finding in error.details["findings"]:
                self.stderr.write(finding)
            raise CommandError(error.message, returncode=1) from error
        except NoAnswer as error:
            raise CommandError(f"{error.code}: {error.message}", returncode=1) from error
        if options["json"]:
            options["json"].write_text(json.dumps(answer))
            seconds = ", ".join(f"{stage} {value:.2f}" for stage, value in answer["seconds"].items())
            self.stdout.write(
                f"{answer['status']}: objective {answer['objective']:.6f}, bound {answer['bound']:.6f} "
                f"{answer['currency']}, gap {answer['gap']:.2e}; seconds: {seconds}"
            )
            for short in answer["shortfalls"][:20]:
                self.stdout.write(f"  {short}")
        else:
            self.stdout.write(json.dumps(answer))
