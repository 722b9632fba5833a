"""Tables of telemetry by topic."""

from telemetry.models.alarms import Alarm, Sender
from telemetry.models.pending import Arrival, FleetVersion, TouchedBucket
from telemetry.models.readings import (
    Latest,
    MeteredDevice,
    OfDeviceQuerySet,
    Reading,
    ReadingCorrection,
    ReadingDay,
    ReadingValues,
    Rollup15,
    RollupDay,
)
from telemetry.models.registers import RegisterShowing

__all__ = [
    "Alarm",
    "Arrival",
    "FleetVersion",
    "Latest",
    "MeteredDevice",
    "OfDeviceQuerySet",
    "Reading",
    "ReadingCorrection",
    "ReadingDay",
    "ReadingValues",
    "RegisterShowing",
    "Rollup15",
    "RollupDay",
    "Sender",
    "TouchedBucket",
]
