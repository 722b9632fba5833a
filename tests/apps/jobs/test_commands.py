"""Our `manage.py` commands as somebody types them who has not read the docs."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError
from django.db import connection

from vpp.accounts import commands

ROOT = Path(__file__).resolve().parents[3]
FOREIGN = ("django.", "django_otp", "oauth2_provider", "drf_spectacular", "rest_framework")
OURS = sorted(name for name, app in get_commands().items() if not str(app).startswith(FOREIGN) and name != "migrate")


def arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from arguments(inner)


@pytest.mark.parametrize("name", OURS)
def test_a_command_explains_itself_its_arguments_and_how_it_is_typed(name: str):
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, commands.ServiceCommand) and command.help and command.examples
    parser = command.create_parser("manage.py", name)
    unexplained = [action.dest for action in arguments(parser) if not action.help]
    assert unexplained == []
    for example in command.examples:
        typed, *words = commands.words_of(example)
        assert typed == name
        parser.parse_args(words)
        assert f"\n  manage.py {example}" in parser.format_help()


def test_an_argument_that_is_none_says_what_it_should_look_like(tmp_path: Path):
    assert commands.day("2016-07-14") == date(2016, 7, 14)
    assert commands.moment("2016-07-13T10:00+02:00") == datetime(2016, 7, 13, 8, tzinfo=UTC)
    assert commands.new_file(str(tmp_path / "x.csv")) == tmp_path / "x.csv"
    for kind, text, told in (
        (commands.day, "14.07.2016", "is no date as 2016-07-14"),
        (commands.day, "9999-12-31", "is not between"),
        (commands.moment, "yesterday", "is no moment as"),
        (commands.moment, "2016-07-13T10:00", "has no time zone"),
        (commands.positive, "1,5", "is no number as 12.5"),
        (commands.positive, "-1", "is not above 0"),
        (commands.positive, "nan", "is not above 0"),
        (commands.new_file, str(tmp_path), "is a folder"),
        (commands.new_file, str(tmp_path / "none" / "x.csv"), "there is no folder"),
    ):
        with pytest.raises(argparse.ArgumentTypeError, match=told):
            kind(text)


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(CommandError, match="the last day 2016-03-01 is before the first, 2016-03-31"):
        call_command("ledger", "--from", "2016-03-31", "--to", "2016-03-01")


@pytest.mark.parametrize("words", [["import_markets"], ["optimise"], ["component"], ["baseline"], ["import_terms"]])
def test_a_file_that_is_not_there_or_not_utf8_is_named_with_the_remedy(words: list[str], tmp_path: Path, db: None):
    file = tmp_path / "file.json"
    with pytest.raises(CommandError, match=r"file\.json: No such file"):
        call_command(*words, str(file))
    file.write_bytes(b'{"name":\n "M\xfcnchen"}')
    with pytest.raises(CommandError, match=r"file\.json: line 2 is not UTF-8 text; save the file as UTF-8"):
        call_command(*words, str(file))


def test_links_from_a_spreadsheet_and_from_a_wrong_one(tmp_path: Path, db: None):
    file = tmp_path / "links.csv"
    for content, told in (
        ("\ufeffdevice,protocol,address\r\n", ""),
        ("device;protocol;address\n", "there is no column 'device'"),
        ("device,protocol,address\na,HTTP\n", "line 2 has fewer cells"),
        ("device,protocol,address\na,HTTP,\n", "a: no such device"),
    ):
        file.write_text(content, encoding="utf-8")
        if told:
            with pytest.raises(CommandError, match=told):
                call_command("link_devices", str(file))
        else:
            call_command("link_devices", str(file), stdout=StringIO())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ocpp_gateway", "--bind", "9000"], "it takes host:port"),
        (["regulate", "--portfolio", "P", "--url", "http://x"], "no such portfolio: P"),
        (["uftp", "offer", "cp", "--date", "2016-03-12", "--isps", "5", "--kw", "1"], "'5' is not FIRST-LAST"),
        (["counterparty", "add", "d", "--public-key", "k", "--endpoint", "https://e", "--ean", "x"], "'x' is not CONG"),
        (["settle", "--date", "2016-03-10"], "there is no portfolio yet"),
        (["backtest", ".", "--from", "2016-03-10", "--to", "2016-03-10", "--zone", "Mars"], "there is no time zone"),
        (["jobs", "--retry", "none"], "there is no job 'none'"),
    ],
)
def test_wrong_words_are_answered_in_words(words: list[str], told: str, db: None):
    with pytest.raises(CommandError, match=told):
        call_command(*words)


def test_a_job_that_is_done_is_not_said_to_run_again(db: None):
    from vpp.jobs.models import Job

    at = datetime.now(UTC)
    Job.objects.create(natural_key="k", kind="x", state=Job.State.DONE, created_at=at, run_after=at)
    with pytest.raises(CommandError, match="only what failed or was given up"):
        call_command("jobs", "--retry", "k")


@pytest.mark.parametrize("words", [("jobs",), ("migrate",), ("nightly", "--date", "2016-03-10", "--zone", "DE")])
def test_no_database_is_told_in_a_line(words: tuple[str, ...]):
    environment = os.environ | {"DATABASE_URL": "postgresql://x:y@127.0.0.1:1/x", "VPP_SECRET_KEY": "x" * 50}
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode and "Traceback" not in done.stderr
    assert "the database does not answer" in done.stderr and "'manage.py doctor' says what to do" in done.stderr


def test_a_database_without_tables_names_the_command_that_makes_them(db: None):
    told = pytest.raises(CommandError, match=r"run 'manage\.py migrate'")
    with told, commands.database_told(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM no_such_table")
