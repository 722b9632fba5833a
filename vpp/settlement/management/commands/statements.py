"""`manage.py statements --from D --to D [--final] [--out FOLDER]`: owners' statements of a period."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from vpp.accounts import commands
from vpp.lib import clock


class Command(commands.ServiceCommand):
    help = "Make the owners' statements of a range of delivery days; --final numbers them, --out writes their forms."
    examples = ("statements --from 2016-03-01 --to 2016-03-31 --out statements",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="first", type=commands.day, required=True, help="first delivery day, YYYY-MM-DD"
        )
        parser.add_argument("--to", dest="last", type=commands.day, required=True, help="last delivery day, YYYY-MM-DD")
        parser.add_argument("--final", action="store_true", help="give numbers to what is provisional")
        parser.add_argument("--out", type=Path, help="folder for one HTML, CSV and PDF each")

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import operations
        from vpp.settlement.models import Statement
        from vpp.settlement.queries.statements import statement_view

        at = clock.now()
        made = operations.make_statements(first=options["first"], last=options["last"], at=at)
        for statement in made:
            if options["final"] and statement.state == Statement.State.PROVISIONAL:
                operations.finalise(statement, at=at)
            view = statement_view(statement)
            if options["out"]:
                write_forms(view, options["out"])
            self.stdout.write(
                f"{view.title}: {view.owner}, {view.total} {view.currency} (before {view.previous_total},"
                f" difference {view.difference}), {statement.state.lower()}"
            )
        self.stdout.write(f"{len(made)} statements")


#: What a file name does not bear, or only quoted.
UNSAFE = str.maketrans(dict.fromkeys(' /\\\x00:*?<>|"', "_"))


def write_forms(view: Any, folder: Path) -> None:
    """The three forms of a statement."""
    from vpp.settlement.kernels import statement_forms as forms

    folder.mkdir(parents=True, exist_ok=True)
    name = folder / f"{view.number or 'provisional'}-{view.owner}-v{view.version}".translate(UNSAFE)
    name.with_name(name.name + ".html").write_text(forms.as_html(view), encoding="utf-8")
    name.with_name(name.name + ".csv").write_text(forms.as_csv(view), encoding="utf-8")
    name.with_name(name.name + ".pdf").write_bytes(forms.as_pdf(view))
