"""What can keep a device from giving more."""

from __future__ import annotations

from enum import IntEnum


class Limit(IntEnum):
    """What keeps a device from giving more. The names go into shortfall rows."""

    NONE = 0
    RATING = 1
    ENERGY = 2
    RAMP = 3
    FEEDER = 4
    OWNER_HOURS = 5
    OPTED_OUT = 6
    SUSPENDED = 7
    SILENT = 8
    REFUSED = 9
    DISOBEYED = 10
    OWNER_EVENTS = 11
    OWNER_REST = 12
    OWNER_NOTICE = 13
    MIN_TIME = 14
    NOT_PROMISED = 15  # where nothing is promised only batteries are moved
    NODE = 16
    NOT_ADMITTED = 17  # the product's rules exclude the device
