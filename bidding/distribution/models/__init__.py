"""Asks of utilities, and standing contracts."""

from bidding.distribution.models.asks import Ask, AskEvent
from bidding.distribution.models.contracts import FlexContract, Reservation

__all__ = ["Ask", "AskEvent", "FlexContract", "Reservation"]
