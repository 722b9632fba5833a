"""One gateway of a kind at a time: two could let an older setpoint overtake a newer one."""

from __future__ import annotations

from django.db import connection

MQTT, OCPP, SUNSPEC = 7402, 7403, 7404


def lead(key: int) -> bool:
    """True while this process holds the lock; a lost database connection gives it up and asks for it again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = %s"
            " AND pid = pg_backend_pid()) OR pg_try_advisory_lock(%s)",
            [key, key],
        )
        return bool(cursor.fetchone()[0])
