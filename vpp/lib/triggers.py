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
