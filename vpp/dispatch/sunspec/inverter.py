"""One SunSpec device behind one Modbus TCP connection: what it measures, and its setpoint with a dead-man's timer.

SunSpec counts injection positive; here consumption is. A point that the device does not have reads as None.
700-series (IEEE 1547-2018): models 701 (measurements), 702 (ratings), 704 (control), 713 (storage). Legacy: 103,
120/121 (ratings), 123 (limit), 124 (storage).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP, SunSpecModbusClientError
from sunspec2.modbus.modbus import ModbusClientError

WATTS_MODE = 1  # 704 WSetMod
CHARGE, DISCHARGE = 1, 2  # bits of 124 StorCtl_Mod
TOLERANCE_W = 50.0
TOLERANCE_PU = 0.02


class NotReached(Exception):
    """The device does not answer; nothing is known about it."""


class NoControl(Exception):
    """The device has no model that takes this setpoint; the message says which it lacks."""


@dataclass(frozen=True)
class Address:
    """HOST:PORT/UNIT."""

    host: str
    port: int
    unit: int

    @classmethod
    def parse(cls, text: str) -> Address:
        place, _, unit = text.partition("/")
        host, _, port = place.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"want HOST:PORT/UNIT, got {text!r}")
        return cls(host, int(port), int(unit or 1))


@dataclass(frozen=True)
class Measured:
    """power_kw: consumption positive. stored_kwh: None without a storage model."""

    power_kw: float
    stored_kwh: float | None


class Inverter:
    """Blocking, as the library is: one thread a device. Raises NotReached when the connection fails."""

    def __init__(self, address: Address, *, timeout_s: float = 3.0) -> None:
        self.address = address
        self._device = SunSpecModbusClientDeviceTCP(
            slave_id=address.unit, ipaddr=address.host, ipport=address.port, timeout=timeout_s
        )
        self._scanned = False

    def measure(self) -> Measured:
        m = self._models()
        if 701 in m:
            watts = self._value(701, "W")
        elif 103 in m:
            watts = self._value(103, "W")
        else:
            raise NoControl("neither model 701 nor 103")
        if watts is None:
            raise NoControl("the device does not tell its power")
        return Measured(-watts / 1000.0, self._stored_kwh())

    def set_power(self, target_kw: float, *, seconds: int) -> None:
        """Hold `target_kw` for `seconds`, then fall back alone. Raises NoControl."""
        models = self._models()
        if 704 in models:
            self._write(
                704, WSetRvrtTms=seconds, WSetMod=WATTS_MODE, WSet=-target_kw * 1000.0, WSetEnaRvrt=0, WSetEna=1
            )
        elif 124 in models:
            self._set_storage(target_kw, seconds)
        elif 123 in models and target_kw <= 0.0:
            rated_w = self._rated_w()
            percent = min(max(-target_kw * 1000.0 / rated_w * 100.0, 0.0), 100.0)
            self._write(123, WMaxLimPct_RvrtTms=min(seconds, 65534), WMaxLimPct=percent, WMaxLim_Ena=1)
        else:
            raise NoControl("none of the models 704, 124, 123")

    def release(self) -> None:
        """Back to its own control now."""
        models = self._models()
        if 704 in models:
            self._write(704, WSetEna=0)
        if 124 in models:
            self._write(124, StorCtl_Mod=0)
        if 123 in models:
            self._write(123, WMaxLim_Ena=0)

    def holds(self, target_kw: float) -> bool:
        """Reads the setpoint back: does the device say that it holds it?"""
        if 704 not in self._models():
            return True  # legacy models are believed; the meter shows
        said_w, enabled = self._value(704, "WSet"), self._value(704, "WSetEna")
        wanted_w = -target_kw * 1000.0
        near = said_w is not None and abs(said_w - wanted_w) <= max(TOLERANCE_W, TOLERANCE_PU * abs(wanted_w))
        return bool(near and enabled)

    def close(self) -> None:
        self._device.close()

    def _models(self) -> dict[int, Any]:
        if not self._scanned:
            self._guard(self._device.scan)
            self._scanned = True
        return {number: models[0] for number, models in self._device.models.items() if isinstance(number, int)}

    def _set_storage(self, target_kw: float, seconds: int) -> None:
        """124 in per cent of the greatest charge power, both rates: charging at least and at most so much."""
        most_w = self._value(124, "WChaMax") or self._rated_w()
        percent = target_kw * 1000.0 / most_w * 100.0
        limit = CHARGE | DISCHARGE
        self._write(
            124, InOutWRte_RvrtTms=min(seconds, 65534), InWRte=percent, OutWRte=-percent, StorCtl_Mod=limit
        )  # fmt: skip

    def _stored_kwh(self) -> float | None:
        models = self._models()
        if 713 in models:
            available_wh = self._value(713, "WHAvail")
            if available_wh is None:
                rated_wh, share_pct = self._value(713, "WHRtg"), self._value(713, "SoC")
                available_wh = None if rated_wh is None or share_pct is None else rated_wh * share_pct / 100.0
            return None if available_wh is None else available_wh / 1000.0
        if 124 in models and 120 in models:
            rated_wh, share_pct = self._value(120, "WHRtg"), self._value(124, "ChaState")
            return None if rated_wh is None or share_pct is None else rated_wh * share_pct / 100_000.0
        return None

    def _rated_w(self) -> float:
        for model, point in ((702, "WMaxRtg"), (121, "WMax"), (120, "WRtg")):
            rated_w = self._value(model, point) if model in self._models() else None
            if rated_w:
                return rated_w
        raise NoControl("the device does not tell its rating")

    def _value(self, model: int, point: str) -> float | None:
        found = self._models()[model]
        self._guard(found.read)
        value = getattr(found, point).cvalue
        return None if value is None else float(value)

    def _write(self, model: int, **points: float) -> None:
        found = self._models()[model]
        self._guard(found.read)
        for name, value in points.items():
            scaled = getattr(found, name).pdef.get("sf") is not None
            getattr(found, name).cvalue = value if scaled else int(value)
        self._guard(found.write)

    def _guard(self, work: Any) -> None:
        try:
            if not self._device.is_connected():
                self._device.connect()
            work()
        except (SunSpecModbusClientError, ModbusClientError, OSError) as error:
            self._device.disconnect()
            raise NotReached(str(error)) from error
