"""Import files of a made-up fleet, for trying the service with any number of devices."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

# kind: share of the devices, kW consumed and produced, kWh stored
MIX: dict[str, tuple[float, float, float, float]] = {
    "BATTERY": (0.40, 5.0, 5.0, 10.0),
    "EV_CHARGER": (0.20, 11.0, 0.0, 0.0),
    "HEAT_PUMP": (0.20, 4.0, 0.0, 8.0),
    "PV": (0.20, 0.0, 8.0, 0.0),
}
DEVICES_A_SITE = 4
DEVICES_A_GATEWAY = 1_000
SINCE = "2016-01-01"


def write_fleet(folder: Path, count: int, *, seed: int, prefix: str = "sim", zone_code: str = "DE") -> None:
    """owners, sites, devices, contracts, portfolios, enrollments and links of `count` devices."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = np.random.default_rng(seed).choice(list(MIX), count, p=[share for share, *_ in MIX.values()])
    sites = [f"{prefix}-site-{n:06d}" for n in range(-(-count // DEVICES_A_SITE))]
    codes = [f"{prefix}-{n:06d}" for n in range(count)]
    zone = {"time_zone": "Europe/Berlin", "zone": zone_code}
    _write(folder / "owners.csv", [{"code": f"{prefix}-owner", "name": f"Owner of {prefix}"}])
    _write(
        folder / "contracts.csv",
        [{"code": f"{prefix}-contract", "owner": f"{prefix}-owner", "start": SINCE, "owner_share_pu": "0.7"}],
    )
    limits = {"import_limit_kw": 60.0, "export_limit_kw": 60.0}
    _write(
        folder / "sites.csv", [{"code": one, "name": one, "owner": f"{prefix}-owner"} | zone | limits for one in sites]
    )
    _write(folder / "devices.csv", [_device(codes[n], sites[n // DEVICES_A_SITE], kinds[n]) for n in range(count)])
    _write(folder / "portfolios.csv", [{"code": prefix, "name": prefix, "min_kw": 100.0} | zone])
    _write(folder / "enrollments.csv", [{"device": one, "portfolio": prefix, "start": SINCE} for one in codes])
    gateway = [f"{prefix}-gateway-{n // DEVICES_A_GATEWAY:03d}" for n in range(count)]
    links = [{"device": one, "protocol": "MQTT", "address": name} for one, name in zip(codes, gateway, strict=True)]
    _write(folder / "links.csv", links)


def _device(code: str, site: str, kind: str) -> dict[str, Any]:
    _, consumed_kw, produced_kw, stored_kwh = MIX[kind]
    return {
        "code": code,
        "site": site,
        "kind": kind,
        "max_consumption_kw": consumed_kw,
        "max_production_kw": produced_kw,
        "controllable": "true",
        "energy_capacity_kwh": stored_kwh or "",
        "charge_efficiency": 0.95,
        "discharge_efficiency": 0.95,
    }


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
