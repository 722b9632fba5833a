"""A worker's thread ends its database session when it ends."""

from __future__ import annotations

from django.db import connections
from dramatiq import Broker
from dramatiq.middleware import Middleware


class EndDatabaseSessions(Middleware):
    """Django opens a session for each thread; nobody else would close that of a worker's thread."""

    def before_worker_thread_shutdown(self, broker: Broker, thread: object) -> None:
        connections.close_all()  # those of this thread, in which dramatiq calls
