"""Counterparties, their keys and ours, and every message in and out: what must not get lost is a row first."""

from vpp.uftp.models.messages import InMessage, OutMessage
from vpp.uftp.models.parties import Counterparty, CounterpartyKey, OwnKey
from vpp.uftp.models.trades import Offer, Order, Prognosis, RequestLink

__all__ = [
    "Counterparty",
    "CounterpartyKey",
    "InMessage",
    "Offer",
    "Order",
    "OutMessage",
    "OwnKey",
    "Prognosis",
    "RequestLink",
]
