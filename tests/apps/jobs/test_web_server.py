"""The web server ends at once and in order: answers under way are sent, idle connections are not waited for."""

from __future__ import annotations

import http.client
import threading
from typing import Any

import pytest

from vpp.jobs.web import WebServer

LARGE = b"x" * 3_000_000  # more than a socket takes at once


@pytest.fixture
def asked(monkeypatch) -> threading.Event:
    """Set once a request has come in; the service answers a while later."""
    came = threading.Event()

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(LARGE)))])
        came.set()
        threading.Event().wait(0.1)
        return [LARGE]

    monkeypatch.setattr("django.core.wsgi.get_wsgi_application", lambda: app)
    return came


def connect(server: WebServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)


def test_an_answer_under_way_is_sent_whole(asked):
    with WebServer("127.0.0.1:0", threads=1) as server:
        connection = connect(server)
        connection.request("GET", "/")
        assert asked.wait(5)
        reader: list[bytes] = []
        thread = threading.Thread(target=lambda: reader.append(connection.getresponse().read()))
        thread.start()
    thread.join(10)
    assert reader == [LARGE]


def test_a_server_that_was_awake_already_ends_in_order_too(asked, monkeypatch):
    """The thread that waits for the sockets may close them before whoever told it to has come to wake it."""
    with WebServer("127.0.0.1:0", threads=1) as server:
        trigger = server._server.trigger
        pull = trigger._physical_pull

        def woken_first() -> None:
            pull()  # as an answer does that was ready in the same moment
            threading.Event().wait(0.1)
            pull()

        monkeypatch.setattr(trigger, "_physical_pull", woken_first)
    assert "web" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_connection_that_a_browser_keeps_open_is_not_waited_for(asked):
    with WebServer("127.0.0.1:0", threads=1) as server:
        connection = connect(server)
        connection.request("GET", "/")
        connection.getresponse().read()
    assert "web" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        connection.request("GET", "/")
        connection.getresponse()
