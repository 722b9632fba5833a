"""Our `manage.py` commands share: examples under `--help`, arguments that say what is wrong with them, text files."""

from __future__ import annotations

import os
import shlex
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import OperationalError, ProgrammingError

from vpp.lib.periods import FIRST_DAY, LAST_DAY

EXAMPLES = "examples:"
UNDEFINED_TABLE = "42P01"


class HelpFormatter(DjangoHelpFormatter):
    """Leaves the lines of the examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(EXAMPLES) else super()._fill_text(text, width, indent)


class ServiceCommand(BaseCommand):
    """A command that shows under `--help` how it is typed, and whose `--from` is not after its `--to`."""

    #: Lines to be typed, without `manage.py`. A test parses them.
    examples: tuple[str, ...] = ()
    #: Django's checks load every address of the service: a second more; who serves has them.
    requires_system_checks: list[str] | tuple[str, ...] | Literal["__all__"] = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        lines = [EXAMPLES, *(f"  manage.py {line}" for line in self.examples)]
        told = {"formatter_class": HelpFormatter, "epilog": "\n".join(lines) if self.examples else None}
        return super().create_parser(prog_name, subcommand, **told | kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        first, last = options.get("first"), options.get("last")
        if isinstance(first, date) and isinstance(last, date) and last < first:
            raise CommandError(f"the last day {last} is before the first, {first}", returncode=2)
        with database_told():
            return super().execute(*args, **options)


@contextmanager
def database_told() -> Iterator[None]:
    """A database that is not there, or has no tables yet, in a line instead of a traceback (`--traceback` shows it)."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None):  # it answered: something else is wrong
            raise
        told = " ".join(str(error).split())
        raise CommandError(f"the database does not answer: {told} - 'manage.py doctor' says what to do") from error
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", None) != UNDEFINED_TABLE:
            raise
        raise CommandError("the database has no tables yet, or not all: run 'manage.py migrate'") from error


def day(text: str) -> date:
    """A date as an argument."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date as 2016-07-14") from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise ArgumentTypeError(f"{text} is not between {FIRST_DAY} and {LAST_DAY}")
    return found


def moment(text: str) -> datetime:
    """A moment as an argument, in UTC; only with its offset it is one."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no moment as 2016-07-13T10:00+02:00") from None
    if found.tzinfo is None:
        raise ArgumentTypeError(f"{text} has no time zone, as 2016-07-13T10:00+02:00")
    day(found.date().isoformat())
    return found.astimezone(UTC)


def positive(text: str) -> float:
    """A number above 0 as an argument."""
    try:
        found = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no number as 12.5") from None
    if not 0.0 < found < float("inf"):
        raise ArgumentTypeError(f"{text} is not above 0")
    return found


def new_file(text: str) -> Path:
    """A file to be written, as an argument: whether that can be done is known before the work is."""
    path = Path(text)
    if path.is_dir():
        raise ArgumentTypeError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ArgumentTypeError(f"there is no folder {path.parent} to write {path.name} to")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ArgumentTypeError(f"{path} may not be written")
    return path


def text_of(path: Path) -> str:
    """A text file in UTF-8, with or without a mark of its byte order. Raises CommandError that says what to do."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", returncode=1) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise CommandError(f"{path}: line {line} is not UTF-8 text; save the file as UTF-8", returncode=1) from None


def words_of(example: str) -> list[str]:
    """An example as the shell would hand it over, the command's name first."""
    return shlex.split(example)
