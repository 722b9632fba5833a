"""COPY between numpy and the database, on the caller's connection and in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray

from telemetry.kernels.copy_format import Field, decode, encode
from vpp.lib.periods import from_datetime64

Moment = Any
MANY_DEVICES = 1_000
FOREVER_US = 253_402_300_799_000_000
SEND = {
    "int2": "int2send",
    "int4": "int4send",
    "int8": "int8send",
    "float8": "float8send",
    "timestamptz": "timestamptz_send",
    "date": "date_send",
    "bytea": "byteasend",
}


def copy_in(table: str, fields: dict[str, Field]) -> None:
    """Append rows to `table`; a broken key raises psycopg.errors.UniqueViolation and spoils the transaction."""
    copy_stream(table, fields, encode(list(fields.values())))


def copy_stream(table: str, names: Iterable[str], stream: bytes) -> None:
    columns = ", ".join(names)
    with _driver_cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)") as copy:
        copy.write(stream)


def _driver_cursor() -> psycopg.Cursor:
    """The driver's own cursor: Django's, which logs in debug mode, hands COPY on without its parameters."""
    cursor = connection.cursor()
    return cast("psycopg.Cursor", cursor.cursor)


def copy_out(
    query: str, parameters: Sequence[Any], kinds: Sequence[tuple[str, str]], *, widths: dict[str, int] | None = None
) -> dict[str, NDArray[Any]]:
    """The rows of a query as columns. No field may be NULL, each bytea has its width; see `copy_format.decode`.

    The server strings the values of all rows together, so that they cross as one value: the driver's step a row would
    cost more than the query. One answer holds at most 1 GB.
    """
    names = [f"c{place}" for place in range(len(kinds))]
    values = " || ".join(f"{SEND[kind]}({name})" for name, (_, kind) in zip(names, kinds, strict=True))
    packed = f"""SELECT count(*), coalesce(string_agg({values}, ''::bytea), ''::bytea)
        FROM ({query}) asked ({", ".join(names)})"""  # noqa: S608 - queries of our own
    command = f"COPY ({packed}) TO STDOUT (FORMAT binary)"
    # a loop outlives a lost database by catching Django's errors, and the driver's cursor raises its own
    with connection.wrap_database_errors, _driver_cursor() as cursor, cursor.copy(command, parameters) as copy:
        stream = b"".join(copy)
    return decode(stream, kinds, widths=widths)


def empty_stage(name: str, columns: str) -> None:
    """A temporary table of this connection, empty."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns}) ON COMMIT DELETE ROWS")
        cursor.execute(f"DELETE FROM {name}")  # noqa: S608 - a name of our own


def id_array(ids: NDArray[np.int64]) -> str:
    """Ids as the text of a bigint[] parameter; the driver would turn a list round one element at a time."""
    return "{" + ",".join(map(str, ids.tolist())) + "}"


def moment(time_us: int) -> Moment:
    """An aware UTC datetime of microseconds since 1970, as a query parameter."""
    return from_datetime64(np.datetime64(int(time_us), "us"))


def micros(at: datetime) -> int:
    """Microseconds since 1970 of an aware moment; ValueError for one without a zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone")
    return round(at.timestamp() * 1e6)


def known_us(as_of: datetime | None) -> int:
    """Microseconds until which readings count as known; None is now, and with it all."""
    return FOREVER_US if as_of is None else micros(as_of)


def device_condition(device_ids: NDArray[np.int64]) -> tuple[str, list[Any], NDArray[np.int64]]:
    """SQL condition on `device_id`, its parameters, and the distinct ids, to sift what a wide condition lets through.

    Of many devices all between the first and the last are asked for: ten thousand ids would cost more than the answer.
    """
    distinct = np.unique(device_ids)
    if distinct.size > MANY_DEVICES:
        return "device_id BETWEEN %s AND %s", [int(distinct[0]), int(distinct[-1])], distinct
    return "device_id = ANY(%s::bigint[])", [id_array(distinct)], distinct
