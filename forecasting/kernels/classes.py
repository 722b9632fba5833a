"""What kind of series a device makes, and what that means for its forecast."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SeriesClass:
    """How a class of series behaves.

    name         : key of its gradient model
    produces     : True if its power is negative; it is forecast as a positive production and turned around after
    follows_week : True if the day type (workday, Saturday, Sunday) matters
    daylight     : True if the night is exactly zero
    may_idle     : True if long runs of one value are natural (an idle charger, a base-load generator)
    weather      : True if it is the weather of the place: all series of the class together say how it is
    gradient     : True if the class gets a gradient model; False if profile and residuals are enough
    """

    name: str
    produces: bool = False
    follows_week: bool = True
    daylight: bool = False
    may_idle: bool = False
    weather: bool = False
    gradient: bool = True


LOAD = SeriesClass("load")
NET = SeriesClass("net")
EV = SeriesClass("ev", may_idle=True)
HEAT = SeriesClass("heat", may_idle=True)
PV = SeriesClass("pv", produces=True, follows_week=False, daylight=True, may_idle=True, weather=True)
WIND = SeriesClass("wind", produces=True, follows_week=False, may_idle=True, weather=True)
STEADY = SeriesClass("steady", produces=True, follows_week=False, may_idle=True, gradient=False)
IDLE = SeriesClass("idle", may_idle=True, gradient=False)

CLASSES = {one.name: one for one in (LOAD, NET, EV, HEAT, PV, WIND, STEADY, IDLE)}

_OF_KIND = {
    "METER": NET,
    "LOAD": LOAD,
    "FLEXIBLE_LOAD": LOAD,
    "WATER_HEATER": HEAT,
    "HEAT_PUMP": HEAT,
    "EV_CHARGER": EV,
    "PV": PV,
    "WIND": WIND,
    "HYDRO": STEADY,
    "BIOMASS": STEADY,
    "GENSET": STEADY,
    "BATTERY": IDLE,
}


def class_of(kind: str) -> SeriesClass:
    """Series class of a device kind; an unknown kind is forecast like a net meter, which may go either way."""
    return _OF_KIND.get(kind, NET)
