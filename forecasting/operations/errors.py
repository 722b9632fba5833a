"""Errors of forecasting that a caller can mend."""

from vpp.lib.errors import DomainError, NotFound


class UnknownZone(NotFound):
    code = "unknown_zone"


class NothingToForecast(DomainError):
    code = "nothing_to_forecast"


class NothingToRollBack(DomainError):
    code = "nothing_to_roll_back"
