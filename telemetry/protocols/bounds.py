"""How much one message may hold, checked before its contents are unpacked."""

from __future__ import annotations

from telemetry.protocols.errors import TooManyRows

MAX_ROWS = 10_000
MAX_BODY_BYTES = 16 * 1024 * 1024  # after decompression
MOST_COMMAS = 20 * MAX_ROWS  # a row has at most a dozen; far more is no message of ours, however it is nested


def refuse_too_many_rows(rows: int) -> None:
    if rows > MAX_ROWS:
        raise TooManyRows(f"{rows} rows, at most {MAX_ROWS} a message")


def refuse_too_many_commas(body: bytes) -> None:
    """JSON that would unpack into millions of objects is refused by its text."""
    if body.count(b",") > MOST_COMMAS:
        raise TooManyRows(f"at most {MAX_ROWS} rows a message")
