"""OCPP 1.6J, our side."""

from __future__ import annotations

from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result, datatypes
from ocpp.v16.enums import (
    AuthorizationStatus,
    ChargingProfileKindType,
    ChargingProfilePurposeType,
    ChargingRateUnitType,
    DataTransferStatus,
    RegistrationStatus,
)

from vpp.dispatch.ocpp.station import PROFILE_ID, STACK_LEVEL, Limit, Port, moment, watts_of
from vpp.dispatch.operations import charging
from vpp.lib.units import W_PER_KW

HEARTBEAT_S = 300
ACCEPTED = {"status": AuthorizationStatus.accepted}


class Station16(ChargePoint):
    """One connected 1.6 station; a connector is an EVSE."""

    def __init__(self, port: Port, connection: Any) -> None:
        super().__init__(port.code, connection, response_timeout=port.answer_s)
        self.port = port

    async def set_limit(self, limit: Limit) -> str:
        schedule = datatypes.ChargingSchedule(
            charging_rate_unit=ChargingRateUnitType.watts,
            charging_schedule_period=[datatypes.ChargingSchedulePeriod(start_period=0, limit=round(limit.watts, 1))],
            duration=limit.seconds,
            start_schedule=limit.start_text,
        )
        profile = datatypes.ChargingProfile(
            charging_profile_id=PROFILE_ID + limit.evse,
            stack_level=STACK_LEVEL,
            charging_profile_purpose=ChargingProfilePurposeType.tx_default_profile,
            charging_profile_kind=ChargingProfileKindType.absolute,
            charging_schedule=schedule,
        )
        answer = await self.call(call.SetChargingProfile(limit.evse, profile), suppress=False)
        return str(answer.status)

    async def clear_limit(self, evse: int) -> str:
        answer = await self.call(call.ClearChargingProfile(id=PROFILE_ID + evse), suppress=False)
        return "Accepted" if answer.status == "Unknown" else str(answer.status)  # Unknown: there is none to clear

    async def composite_w(self, evse: int, seconds: int) -> float | None:
        """What the station says holds now; None if it does not tell."""
        wanted = call.GetCompositeSchedule(evse, seconds, ChargingRateUnitType.watts)
        answer = await self.call(wanted, suppress=False)
        if answer.status != "Accepted" or not answer.charging_schedule:
            return None
        return float(answer.charging_schedule["charging_schedule_period"][0]["limit"])

    @on("BootNotification")
    async def on_boot(self, charge_point_vendor: str, charge_point_model: str, **rest: Any) -> Any:
        now = self.port.now()
        boot = charging.Boot(charge_point_vendor, charge_point_model, rest.get("firmware_version", ""))
        await self.port.in_database(charging.station_booted, self.port.code, boot, now)
        return call_result.BootNotification(now.isoformat(), HEARTBEAT_S, RegistrationStatus.accepted)

    @on("Heartbeat")
    def on_heartbeat(self) -> Any:
        return call_result.Heartbeat(self.port.now().isoformat())

    @on("Authorize")
    def on_authorize(self, id_tag: str) -> Any:
        return call_result.Authorize(ACCEPTED)

    @on("DataTransfer")
    def on_data_transfer(self, vendor_id: str, **rest: Any) -> Any:
        return call_result.DataTransfer(DataTransferStatus.unknown_vendor_id)

    @on("StatusNotification")
    async def on_status(self, connector_id: int, status: str, **rest: Any) -> Any:
        now = self.port.now()
        await self.port.in_database(charging.station_status, self.port.code, connector_id, str(status), now)
        return call_result.StatusNotification()

    @on("StartTransaction")
    async def on_start_transaction(
        self, connector_id: int, id_tag: str, meter_start: int, timestamp: str, **rest: Any
    ) -> Any:
        number = await self.port.in_database(
            charging.transaction_started, self.port.code, connector_id, reference="", id_token=id_tag,
            meter_kwh=meter_start / W_PER_KW, at=moment(timestamp),
        )  # fmt: skip
        return call_result.StartTransaction(number, ACCEPTED)

    @on("StopTransaction")
    async def on_stop_transaction(self, meter_stop: int, timestamp: str, transaction_id: int, **rest: Any) -> Any:
        await self.port.in_database(
            charging.transaction_ended, self.port.code, number=transaction_id, meter_kwh=meter_stop / W_PER_KW,
            reason=str(rest.get("reason", "Local")), at=moment(timestamp),
        )  # fmt: skip
        return call_result.StopTransaction()

    @on("MeterValues")
    def on_meter_values(self, connector_id: int, meter_value: list[dict[str, Any]], **rest: Any) -> Any:
        for one in meter_value:
            for sampled in one["sampled_value"]:
                power_w = watts_of(sampled, sampled.get("unit", "W"))
                if power_w is not None:
                    self.port.sampled(connector_id, moment(one["timestamp"]), power_w)
        return call_result.MeterValues()
