"""Stations connect here: password, version, then the library's receive loop."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from vpp.dispatch.ocpp.station import Port, Station
from vpp.dispatch.ocpp.v16 import Station16
from vpp.dispatch.ocpp.v201 import Station201
from vpp.dispatch.operations import charging
from vpp.dispatch.operations.charging import Sample

logger = logging.getLogger(__name__)

VERSIONS: dict[str, type[Station16] | type[Station201]] = {"ocpp2.0.1": Station201, "ocpp1.6": Station16}
OPENING_S = 60  # a thousand stations may come at once after a restart
PING_S = 60


class CentralSystem:
    """The connected stations by code. Everything of the database happens in one thread of its own."""

    def __init__(self, now: Callable[[], datetime], *, answer_s: float = 10.0) -> None:
        self.now, self.answer_s = now, answer_s
        self.stations: dict[str, Station] = {}
        self.samples: list[Sample] = []
        self._devices: dict[str, dict[int, str]] = {}
        self._database = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    async def in_database(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._database, partial(work, *arguments, **named))

    async def listen(self, host: str, port: int) -> Server:
        return await serve(
            self._serve_station, host, port, subprotocols=[Subprotocol(name) for name in VERSIONS],
            process_request=self._let_in, compression=None, open_timeout=OPENING_S, ping_interval=PING_S,
            max_size=256 * 1024,
        )  # fmt: skip

    async def _let_in(self, connection: ServerConnection, request: Request) -> Response | None:
        """Basic authentication: the station's code and password; the code is the last part of the path as well."""
        code = unquote(request.path.rstrip("/").rpartition("/")[2])
        name, secret = _login(request.headers.get("Authorization", ""))
        devices = None
        if name == code and code:
            devices = await self.in_database(charging.devices_of_station, code, secret)
        if devices is None:
            logger.warning("station %r is not let in", code)
            refusal = connection.respond(HTTPStatus.UNAUTHORIZED, "unknown station or wrong password\n")
            refusal.headers["WWW-Authenticate"] = 'Basic realm="stations"'
            return refusal
        self._devices[code] = devices
        return None

    async def _serve_station(self, connection: ServerConnection) -> None:
        assert connection.request is not None  # noqa: S101
        code = unquote(connection.request.path.rstrip("/").rpartition("/")[2])
        make = VERSIONS.get(connection.subprotocol or "")
        if make is None:
            await connection.close(1002, "want ocpp1.6 or ocpp2.0.1")
            return
        port = Port(code, self._devices.pop(code, {}), self.in_database, self.samples, self.now, self.answer_s)
        station = make(port, connection)
        self.stations[code] = station
        await self.in_database(charging.station_connected, code, str(connection.subprotocol), self.now())
        try:
            await station.start()
        except ConnectionClosed:
            logger.info("station %s left", code)
        finally:
            if self.stations.get(code) is station:
                del self.stations[code]


def _login(header: str) -> tuple[str, str]:
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret
