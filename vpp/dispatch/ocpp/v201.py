"""OCPP 2.0.1, our side."""

from __future__ import annotations

from typing import Any

from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result, datatypes
from ocpp.v201.enums import (
    AuthorizationStatusEnumType,
    ChargingProfileKindEnumType,
    ChargingProfilePurposeEnumType,
    ChargingRateUnitEnumType,
    RegistrationStatusEnumType,
)

from vpp.dispatch.ocpp.station import PROFILE_ID, STACK_LEVEL, Limit, Port, kwh_of, moment, watts_of
from vpp.dispatch.operations import charging

HEARTBEAT_S = 300


class Station201(ChargePoint):
    """One connected 2.0.1 station."""

    def __init__(self, port: Port, connection: Any) -> None:
        super().__init__(port.code, connection, response_timeout=port.answer_s)
        self.port = port

    async def set_limit(self, limit: Limit) -> str:
        schedule = datatypes.ChargingScheduleType(
            id=PROFILE_ID + limit.evse,
            charging_rate_unit=ChargingRateUnitEnumType.watts,
            charging_schedule_period=[
                datatypes.ChargingSchedulePeriodType(start_period=0, limit=round(limit.watts, 1))
            ],
            start_schedule=limit.start_text,
            duration=limit.seconds,
        )
        profile = datatypes.ChargingProfileType(
            id=PROFILE_ID + limit.evse,
            stack_level=STACK_LEVEL,
            charging_profile_purpose=ChargingProfilePurposeEnumType.tx_default_profile,
            charging_profile_kind=ChargingProfileKindEnumType.absolute,
            charging_schedule=[schedule],
        )
        answer = await self.call(call.SetChargingProfile(limit.evse, profile), suppress=False)
        why = (answer.status_info or {}).get("reason_code", "") if answer.status != "Accepted" else ""
        return f"{answer.status} {why}".strip()

    async def clear_limit(self, evse: int) -> str:
        answer = await self.call(call.ClearChargingProfile(charging_profile_id=PROFILE_ID + evse), suppress=False)
        return "Accepted" if answer.status == "Unknown" else str(answer.status)  # Unknown: there is none to clear

    async def composite_w(self, evse: int, seconds: int) -> float | None:
        """What the station says holds now; None if it does not tell."""
        wanted = call.GetCompositeSchedule(seconds, evse, ChargingRateUnitEnumType.watts)
        answer = await self.call(wanted, suppress=False)
        if answer.status != "Accepted" or not answer.schedule:
            return None
        return float(answer.schedule["charging_schedule_period"][0]["limit"])

    @on("BootNotification")
    async def on_boot(self, charging_station: dict[str, Any], reason: str, **rest: Any) -> Any:
        now, told = self.port.now(), charging_station
        boot = charging.Boot(told["vendor_name"], told["model"], told.get("firmware_version", ""))
        await self.port.in_database(charging.station_booted, self.port.code, boot, now)
        return call_result.BootNotification(now.isoformat(), HEARTBEAT_S, RegistrationStatusEnumType.accepted)

    @on("Heartbeat")
    def on_heartbeat(self, **rest: Any) -> Any:
        return call_result.Heartbeat(self.port.now().isoformat())

    @on("Authorize")
    def on_authorize(self, id_token: dict[str, Any], **rest: Any) -> Any:
        return call_result.Authorize({"status": AuthorizationStatusEnumType.accepted})

    @on("StatusNotification")
    async def on_status(self, timestamp: str, connector_status: str, evse_id: int, **rest: Any) -> Any:
        now = self.port.now()
        await self.port.in_database(charging.station_status, self.port.code, evse_id, str(connector_status), now)
        return call_result.StatusNotification()

    @on("NotifyReport")
    def on_notify_report(self, **rest: Any) -> Any:
        return call_result.NotifyReport()

    @on("TransactionEvent")
    async def on_transaction(
        self, event_type: str, timestamp: str, transaction_info: dict[str, Any], **rest: Any
    ) -> Any:
        at, reference = moment(timestamp), transaction_info["transaction_id"]
        evse, meter_kwh = (rest.get("evse") or {}).get("id", 1), None
        for one in rest.get("meter_value") or []:
            register = self._take(evse, one)
            meter_kwh = register if register is not None else meter_kwh
        if event_type == "Started":
            token = (rest.get("id_token") or {}).get("id_token", "")
            await self.port.in_database(
                charging.transaction_started, self.port.code, evse, reference=reference, id_token=token,
                meter_kwh=meter_kwh, at=at,
            )  # fmt: skip
        elif event_type == "Ended":
            await self.port.in_database(
                charging.transaction_ended, self.port.code, reference=reference, meter_kwh=meter_kwh,
                reason=str(transaction_info.get("stopped_reason", "Local")), at=at,
            )  # fmt: skip
        return call_result.TransactionEvent()

    @on("MeterValues")
    def on_meter_values(self, evse_id: int, meter_value: list[dict[str, Any]], **rest: Any) -> Any:
        for one in meter_value:
            self._take(evse_id, one)
        return call_result.MeterValues()

    def _take(self, evse: int, meter_value: dict[str, Any]) -> float | None:
        """Powers become samples; the energy register in kWh, if the value holds one."""
        register = None
        for sampled in meter_value["sampled_value"]:
            unit = sampled.get("unit_of_measure") or {}
            name, multiplier = unit.get("unit", ""), int(unit.get("multiplier", 0))
            power_w = watts_of(sampled, name or "W", multiplier)
            if power_w is not None:
                self.port.sampled(evse, moment(meter_value["timestamp"]), power_w)
            if sampled.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register":
                register = kwh_of(float(sampled["value"]) * 10.0**multiplier, name or "Wh")
        return register
