"""COPY for tables that grow with devices times awards: one ORM object a row would cost more than the settlement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import psycopg
from django.db import connection
from django.db.models import Model


def copy_rows(model: type[Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Append rows of ints, Decimals, None and codes (texts without tab, line end or backslash) in the caller's
    transaction.

    fields : field names of the model; a row has their values in this order, foreign keys as ids.
    """
    columns = ", ".join(str(getattr(model._meta.get_field(name), "column")) for name in fields)  # noqa: B009, SLF001
    # all rows before COPY begins: what makes them may ask the same connection
    text = "".join("\t".join(["\\N" if value is None else str(value) for value in row]) + "\n" for row in rows)
    driver = cast("psycopg.Cursor", connection.cursor().cursor)
    with driver as cursor, cursor.copy(f"COPY {model._meta.db_table} ({columns}) FROM STDIN") as copy:  # noqa: SLF001
        copy.write(text)
