"""The web server inside a process: waitress in a thread."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self


class WebServer:
    """`with WebServer("127.0.0.1:8000") as server: ...`; port 0 takes a free one, `server.url` tells which."""

    def __init__(self, bind: str, *, threads: int = 6) -> None:
        self._bind = bind
        self._threads = threads
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://{self._server.effective_host}:{self._server.effective_port}"

    def __enter__(self) -> Self:
        from django.core.wsgi import get_wsgi_application
        from waitress.server import create_server

        self._server = create_server(
            get_wsgi_application(), listen=self._bind, threads=self._threads, clear_untrusted_proxy_headers=True
        )
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._server.task_dispatcher.shutdown(timeout=5)
        if self._thread is not None:
            self._thread.join(timeout=5)
