"""The client against a real server in a thread."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from vpp.simulation.client import Client, HttpRefused, Unreachable


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections: set[int] = set()

    def answer(self, status: int, body: object, kind: str = "application/json") -> None:
        Handler.connections.add(id(self.connection))
        content = json.dumps(body).encode() if kind == "application/json" else str(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        if self.path.startswith("/list"):
            page = 2 if "page=2" in self.path else 1
            following = f"http://{self.headers['Host']}/list?page=2" if page == 1 else None
            self.answer(200, {"results": [page], "next": following})
        elif self.path == "/bug":
            self.answer(500, "boom", "text/html")
        else:
            self.answer(200, {"path": self.path, "token": self.headers["Authorization"]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"] == "application/msgpack":
            self.answer(200, {"decoded": msgspec.msgpack.decode(body)})
        else:
            self.answer(409, {"code": "idempotency_conflict", "message": "no", "details": {}})

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def url() -> Iterator[str]:
    Handler.connections.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_it_sends_its_token_on_one_connection_that_it_keeps(url: str) -> None:
    with Client(url, "secret") as client:
        assert client.get("/a", {"b": "c d"}) == {"path": "/a?b=c+d", "token": "Bearer secret"}
        client.get("/a")
    assert len(Handler.connections) == 1


def test_it_reads_every_page_of_a_list(url: str) -> None:
    with Client(url, "t") as client:
        assert client.get_all("/list") == [1, 2]


def test_msgpack_goes_out_packed(url: str) -> None:
    with Client(url, "t") as client:
        assert client.post_msgpack("/x", {"a": [1, 2]}) == {"decoded": {"a": [1, 2]}}


def test_a_refusal_carries_status_and_code(url: str) -> None:
    with Client(url, "t") as client:
        with pytest.raises(HttpRefused, match="idempotency_conflict") as refused:
            client.post("/x", {})
        assert (refused.value.status, refused.value.code) == (409, "idempotency_conflict")
        with pytest.raises(HttpRefused, match="boom") as refused:
            client.get("/bug")
        assert refused.value.code == ""


def test_nobody_there_is_said_clearly() -> None:
    with Client("http://127.0.0.1:9", "t") as client, pytest.raises(Unreachable):
        client.get("/")
    with pytest.raises(ValueError, match="not an http address"):
        Client("ftp://x", "t")
