"""One SunSpec device behind one Modbus TCP connection: what it measures, and its setpoint with a dead-man's timer.

SunSpec counts injection positive; here consumption is. A point that the device does not have reads as None.
700-series (IEEE 1547-2018): models 701 (measurements), 702 (ratings), 704 (control), 713 (storage). Legacy: 103,
120/121 (ratings), 123 (limit, reactive power), 124 (storage). Reactive power is injection positive here as there; real
power goes first where an inverter cannot give both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP, SunSpecModbusClientError
from sunspec2.modbus.modbus import ModbusClientError

from vpp.dispatch.sunspec.address import Address
from vpp.lib.units import VAR_PER_KVAR, W_PER_KW

WATTS_MODE = 1  # 704 WSetMod
VARS_MODE, ACTIVE_FIRST = 4, 0  # 704 VarSetMod, VarSetPri
OF_WMAX = 1  # 123 VArPct_Mod
CHARGE, DISCHARGE = 1, 2  # bits of 124 StorCtl_Mod
TOLERANCE_W = 50.0
TOLERANCE_PU = 0.02


class NotReached(Exception):
    """The device does not answer; nothing is known about it."""


class NoControl(Exception):
    """The device has no model that takes this setpoint; the message says which it lacks."""


@dataclass(frozen=True)
class Measured:
    """power_kw: consumption positive; kvar: injection positive. stored_kwh, kvar: None where it is not told."""

    power_kw: float
    stored_kwh: float | None
    kvar: float | None = None


class Inverter:
    """Blocking, as the library is: one thread a device. Raises NotReached when the connection fails."""

    def __init__(self, address: Address, *, timeout_s: float = 3.0) -> None:
        self.address = address
        self._device = SunSpecModbusClientDeviceTCP(
            slave_id=address.unit, ipaddr=address.host, ipport=address.port, timeout=timeout_s
        )
        self._scanned = self._asked_for_reactive = False

    def measure(self) -> Measured:
        m = self._models()
        model = next((number for number in (701, 103) if number in m), None)
        if model is None:
            raise NoControl("neither model 701 nor 103")
        watts, reactive = self._value(model, "W"), self._value(model, "Var" if model == 701 else "VAr")
        if watts is None:
            raise NoControl("the device does not tell its power")
        return Measured(-watts / W_PER_KW, self._stored_kwh(), None if reactive is None else reactive / VAR_PER_KVAR)

    def set_power(self, target_kw: float, *, seconds: int) -> None:
        """Hold `target_kw` for `seconds`, then fall back alone. Raises NoControl."""
        models = self._models()
        if 704 in models:
            self._write(
                704, WSetRvrtTms=seconds, WSetMod=WATTS_MODE, WSet=-target_kw * W_PER_KW, WSetEnaRvrt=0, WSetEna=1
            )
        elif 124 in models:
            self._set_storage(target_kw, seconds)
        elif 123 in models and target_kw <= 0.0:
            rated_w = self._rated_w()
            percent = min(max(-target_kw * W_PER_KW / rated_w * 100.0, 0.0), 100.0)
            self._write(123, WMaxLimPct_RvrtTms=min(seconds, 65534), WMaxLimPct=percent, WMaxLim_Ena=1)
        else:
            raise NoControl("none of the models 704, 124, 123")

    def set_reactive(self, target_kvar: float, *, seconds: int) -> None:
        """Hold `target_kvar` for `seconds`, then fall back alone. Raises NoControl."""
        models, self._asked_for_reactive = self._models(), True
        if 704 in models:
            self._write(
                704, VarSetRvrtTms=seconds, VarSetMod=VARS_MODE, VarSetPri=ACTIVE_FIRST,
                VarSet=target_kvar * VAR_PER_KVAR, VarSetEnaRvrt=0, VarSetEna=1,
            )  # fmt: skip
        elif 123 in models:
            percent = min(max(target_kvar * VAR_PER_KVAR / self._rated_w() * 100.0, -100.0), 100.0)
            self._write(
                123, VArPct_RvrtTms=min(seconds, 65534), VArPct_Mod=OF_WMAX, VArWMaxPct=percent, VArPct_Ena=1
            )  # fmt: skip
        else:
            raise NoControl("neither model 704 nor 123: it takes no reactive power")

    def release_reactive(self) -> None:
        """Reactive power back to the device's own control now, if it was we who took it; what a process before this one
        asked for runs out by the device's timer."""
        if not self._asked_for_reactive:
            return
        models, self._asked_for_reactive = self._models(), False
        if 704 in models:
            self._write(704, VarSetEna=0)
        elif 123 in models:
            self._write(123, VArPct_Ena=0)

    def release(self) -> None:
        """Real power back to its own control now."""
        models = self._models()
        if 704 in models:
            self._write(704, WSetEna=0)
        if 124 in models:
            self._write(124, StorCtl_Mod=0)
        if 123 in models:
            self._write(123, WMaxLim_Ena=0)

    def holds_reactive(self, target_kvar: float) -> bool:
        """Reads it back, as holds."""
        if 704 not in self._models():
            return True
        said_var, enabled = self._value(704, "VarSet"), self._value(704, "VarSetEna")
        return bool(said_var is not None and _near(said_var, target_kvar * VAR_PER_KVAR) and enabled)

    def holds(self, target_kw: float) -> bool:
        """Reads the setpoint back: does the device say that it holds it?"""
        if 704 not in self._models():
            return True  # legacy models are believed; the meter shows
        said_w, enabled = self._value(704, "WSet"), self._value(704, "WSetEna")
        return bool(said_w is not None and _near(said_w, -target_kw * W_PER_KW) and enabled)

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
        percent = target_kw * W_PER_KW / most_w * 100.0
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
            return None if available_wh is None else available_wh / W_PER_KW
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


def _near(said: float, wanted: float) -> bool:
    """In watts or vars."""
    return abs(said - wanted) <= max(TOLERANCE_W, TOLERANCE_PU * abs(wanted))
