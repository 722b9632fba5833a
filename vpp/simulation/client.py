"""A small HTTP client for the simulated world: one kept-alive connection, a bearer token, JSON and MessagePack."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import msgspec

JSON = "application/json"
MSGPACK = "application/msgpack"


class HttpRefused(Exception):
    """The service answered with an error. `code` is its stable code ("" if the answer was no JSON of ours)."""

    def __init__(self, method: str, path: str, status: int, code: str, message: str) -> None:
        super().__init__(f"{method} {path}: {status} {code or '-'}: {message}")
        self.status, self.code = status, code


class Unreachable(Exception):
    """Nobody answers at the service's address."""


class Client:
    """Talks to one service as one API client. Not for use by several threads at once."""

    def __init__(self, base_url: str, token: str, *, timeout_s: float = 120.0) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{base_url!r} is not an http address")
        make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = make(parts.hostname, parts.port, timeout=timeout_s)
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": JSON}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self._request("GET", path + query, b"", {})

    def get_all(self, path: str, parameters: Mapping[str, str] | None = None) -> list[Any]:
        """Every row of a list that may come in pages ({"results", "next"}) or whole."""
        answer = self.get(path, parameters)
        if isinstance(answer, list):
            return answer
        rows = list(answer["results"])
        while answer.get("next"):
            parts = urlsplit(answer["next"])
            answer = self._request("GET", f"{parts.path.removeprefix(self._prefix)}?{parts.query}", b"", {})
            rows += answer["results"]
        return rows

    def post(self, path: str, body: Any, *, idempotency_key: str = "") -> Any:
        headers = {"Content-Type": JSON} | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})
        return self._request("POST", path, msgspec.json.encode(body), headers)

    def post_msgpack(self, path: str, body: Any) -> Any:
        return self._request("POST", path, msgspec.msgpack.encode(body), {"Content-Type": MSGPACK})

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
        response, content = self._exchange(method, self._prefix + path, body, self._headers | headers)
        kind = (response.getheader("Content-Type") or "").partition(";")[0].strip()
        answer = _decode(kind, content)
        if 200 <= response.status < 300:
            return answer
        known = answer if isinstance(answer, dict) else {}
        message = str(known.get("message") or content[:300].decode("utf-8", "replace"))
        raise HttpRefused(method, path, response.status, str(known.get("code", "")), message)

    def _exchange(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One request; once more on a fresh connection if the server had closed the kept one meanwhile."""
        for attempt in (1, 2):
            try:
                self._connection.request(method, path, body or None, headers)
                response = self._connection.getresponse()
                return response, response.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
                self._connection.close()
                if attempt == 2:
                    raise Unreachable(f"{method} {path}: {error}") from error
            except OSError as error:
                self._connection.close()
                raise Unreachable(f"{method} {path}: {error}") from error
        raise AssertionError("unreachable")


def _decode(kind: str, content: bytes) -> Any:
    if not content:
        return None
    if kind == JSON:
        return msgspec.json.decode(content)
    if kind == MSGPACK:
        return msgspec.msgpack.decode(content)
    return None
