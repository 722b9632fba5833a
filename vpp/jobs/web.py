"""The web server inside a process: waitress in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

LARGEST_BODIES = 4  # times what a body in memory may have: a file may be larger
FORWARDED = {"x-forwarded-for", "x-forwarded-proto"}


class CannotListen(OSError):
    """The address is in use or not ours to take; the message says which and what to do."""


def listening_socket(bind: str) -> socket.socket:
    """Bound and listening on host:port, also for several processes: whoever is free takes the next connection.

    Raises CannotListen.
    """
    host, _, port = bind.rpartition(":")
    if not host:  # would be every interface
        raise CannotListen(f"cannot serve on {bind!r}: it takes host:port, as 127.0.0.1:8000")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=family, backlog=1024)
    except (OSError, ValueError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotListen(f"cannot serve on {bind!r} ({reason}); choose another host:port with --bind") from None


class WebServer:
    """`with WebServer("127.0.0.1:8000") as server: ...`; port 0 takes a free one, `server.url` tells which.

    A listening socket may take the place of host:port. Raises CannotListen.
    """

    def __init__(self, bind: str | socket.socket, *, threads: int = 6) -> None:
        self._listening = listening_socket(bind) if isinstance(bind, str) else bind
        self._threads = threads
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._workers: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://{self._server.effective_host}:{self._server.effective_port}"

    def __enter__(self) -> Self:
        from django.conf import settings
        from django.core.wsgi import get_wsgi_application
        from waitress.server import create_server

        proxy = settings.TRUSTED_PROXY
        trusted = {"trusted_proxy": proxy, "trusted_proxy_headers": FORWARDED} if proxy else {}
        self._server = create_server(
            get_wsgi_application(),
            _dispatcher=self._dispatcher(),
            sockets=[self._listening],
            max_request_body_size=LARGEST_BODIES * settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
            clear_untrusted_proxy_headers=True,
            **trusted,
        )
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.task_dispatcher.shutdown(timeout=5)
        pulled = threading.Event()
        self._server.trigger.pull_trigger(lambda: self._close(pulled))  # in the thread that waits for the sockets
        pulled.set()
        for thread in [*self._workers, *([self._thread] if self._thread else [])]:
            thread.join(timeout=5)

    def _close(self, pulled: threading.Event) -> None:
        """Take no more connections; those that a browser keeps open end once their answers are sent.

        Closing takes the trigger away too, so it waits for who pulled it: an answer that was ready in the same moment
        may have woken this thread first.
        """
        pulled.wait()
        self._server.close()
        for channel in list(self._server.active_channels.values()):
            channel.close_when_flushed = True

    def _dispatcher(self) -> Any:
        """waitress's pool of threads, each of which ends its database session when it ends."""
        from django.db import connections
        from waitress.task import ThreadedTaskDispatcher

        def work(target: Callable[[int], None], number: int) -> None:
            try:
                target(number)
            finally:
                connections.close_all()  # those of this thread

        class Dispatcher(ThreadedTaskDispatcher):
            def start_new_thread(self, target: Callable[[int], None], thread_no: int) -> None:
                thread = threading.Thread(
                    target=work, args=[target, thread_no], name=f"waitress-{thread_no}", daemon=True
                )
                workers.append(thread)
                thread.start()

        workers = self._workers
        dispatcher = Dispatcher()
        dispatcher.set_thread_count(self._threads)
        return dispatcher
