"""SQL for the rules that span rows, used by migrations."""

from __future__ import annotations


def append_only(table: str, *, what: str) -> str:
    """A trigger that refuses UPDATE and DELETE on `table`; `what` names the rows in the message."""
    return f"""
CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{what} are append-only: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only();
"""


def drop_append_only(table: str) -> str:
    return f"DROP TRIGGER {table}_append_only ON {table}; DROP FUNCTION {table}_is_append_only();"


# TRUNCATE calls no trigger of a row: one of the statement refuses it. There is no setting that lets it through; tests
# disable these triggers in their own database (tests/conftest.py), as only the owner of the tables can.
REFUSES_TRUNCATE = """
CREATE FUNCTION vpp_truncate_is_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are kept: TRUNCATE is refused', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
TRUNCATES_AGAIN = "DROP FUNCTION vpp_truncate_is_refused();"


def never_truncated(*tables: str) -> str:
    """Refuses TRUNCATE on each; every append-only table has this beside `append_only`."""
    return "\n".join(
        f"CREATE TRIGGER {table}_never_truncated BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION vpp_truncate_is_refused();"
        for table in tables
    )


def drop_never_truncated(*tables: str) -> str:
    return "\n".join(f"DROP TRIGGER {table}_never_truncated ON {table};" for table in tables)


def stays_as_written(table: str, *, what: str, columns: tuple[str, ...] = ()) -> str:
    """A trigger that refuses an UPDATE which changes one of `columns` (any, if none is named)."""
    new, old = (
        "ROW(" + ", ".join(f"{row}.{name}" for name in columns) + ")" if columns else f"{row}.*"
        for row in ("NEW", "OLD")
    )
    return f"""
CREATE FUNCTION {table}_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{what} stay as they were written: UPDATE is refused' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER {table}_as_written BEFORE UPDATE ON {table}
    FOR EACH ROW WHEN ({new} IS DISTINCT FROM {old}) EXECUTE FUNCTION {table}_stays();
"""


def drop_stays_as_written(table: str) -> str:
    return f"DROP TRIGGER {table}_as_written ON {table}; DROP FUNCTION {table}_stays();"
