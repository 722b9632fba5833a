"""Simulated charging stations on the `ocpp` library: `python -m vpp.simulation.live.charge_points --help`.

Behaviours: obeys; rejects every profile; mute (never answers one); ignores (accepts, and its schedule stays);
disobeys (accepts, shows the schedule, and charges at full power all the same).
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import sys
from typing import Any

import websockets

from vpp.simulation.live.stations import VERSIONS, Car

RETRY_S = 2.0  # until a station that could not connect tries again


async def live(station: dict[str, str], url: str, meter_s: float, done: asyncio.Event, tell: Any) -> None:
    """One station from its boot to its end. station: code, secret, version, behaviour."""
    make, protocol = VERSIONS[station["version"]]
    login = base64.b64encode(f"{station['code']}:{station['secret']}".encode()).decode()
    async with websockets.connect(
        f"{url}/{station['code']}", subprotocols=[websockets.Subprotocol(protocol)], compression=None,
        additional_headers={"Authorization": f"Basic {login}"}, open_timeout=120, ping_interval=None,
    ) as connection:  # fmt: skip
        point = make(station["code"], connection, response_timeout=120)
        point.car = Car(station.get("behaviour", "obeys"))
        receiving = asyncio.create_task(point.start())
        await point.greet()
        tell(station["code"], "greeted")
        seen = 0
        while not done.is_set():
            if meter_s:
                await point.meter()
            if point.car.profiles != seen:
                seen = point.car.profiles
                tell(station["code"], f"profile {point.car.limit_w:.0f}")
            try:
                await asyncio.wait_for(done.wait(), meter_s or 1.0)
            except TimeoutError:
                continue
        await point.leave()
        receiving.cancel()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stations", help="JSON file: a list of {code, secret, version, behaviour}")
    parser.add_argument("--url", default="ws://127.0.0.1:9000/ocpp")
    parser.add_argument("--meter", type=float, default=5.0, help="seconds between meter values; 0: none")
    options = parser.parse_args()
    with open(options.stations, encoding="utf-8") as file:
        stations = json.load(file)
    done = asyncio.Event()

    def tell(code: str, what: str) -> None:
        sys.stdout.write(f"{code} {what}\n")
        sys.stdout.flush()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(15, done.set)
    loop.add_signal_handler(2, done.set)

    async def one(station: dict[str, str]) -> None:
        """A station tries again until somebody listens; who is refused, or lost again, stays away."""
        while not done.is_set():
            try:
                await live(station, options.url, options.meter, done, tell)
                return
            except OSError as error:
                tell(station["code"], f"not connected yet: {error}")
                await asyncio.sleep(RETRY_S)
            except websockets.WebSocketException as error:
                tell(station["code"], f"failed: {error}")
                return

    await asyncio.gather(*(one(station) for station in stations))


if __name__ == "__main__":
    asyncio.run(main())
