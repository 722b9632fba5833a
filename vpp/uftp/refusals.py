"""Refusals of the functional kind: the message was well formed, and the answer says Rejected with one of these texts.

The texts are those of the specification; counterparties act on them, so they do not change.
"""

from __future__ import annotations

from bidding import errors
from vpp.lib.errors import DomainError

INVALID = "Invalid Message"
INVALID_SENDER = "Invalid Sender"
UNKNOWN_RECIPIENT = "Unknown RecipientDomain"
BARRED = "Barred Sender"
DUPLICATE = "Duplicate Identifier"
ALREADY = "Already Submitted"
ISP_DURATION = "ISP duration rejected"
TIME_ZONE = "TimeZone rejected"
CONGESTION_POINT = "Invalid CongestionPoint"
UNKNOWN_OFFER = "Unknown FlexOfferMessageID reference"
UNKNOWN_OPTION = "Unknown OptionReference reference"
UNKNOWN_CONTRACT = "Unknown ContractID reference"
PERIOD_MISMATCH = "Reference Period mismatch"
EXPIRED = "Reference message expired"
REVOKED = "Reference message revoked"
REJECTED_BEFORE = "Reference message rejected"
OUT_OF_BOUNDS = "ISPs out of bounds"
CONFLICT = "ISP conflict"
PERIOD = "Period out of bounds"
EXPIRATION = "ExpirationDateTime out of bounds"
ISP_MISMATCH = "ISP mismatch"
POWER_MISMATCH = "Power mismatch"
PRICE_MISMATCH = "Price mismatch"


class Rejected(Exception):
    """The answer will be Rejected; several reasons are joined by `;`."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(";".join(reasons))


def reason_of(error: DomainError) -> str:
    """How a refusal of the common model is said in UFTP."""
    texts: list[tuple[type[DomainError], str]] = [
        (errors.BidRevoked, REVOKED),
        (errors.BidExpired, EXPIRED),
        (errors.UnknownContract, UNKNOWN_CONTRACT),
        (errors.UnknownOption, UNKNOWN_OPTION),
        (errors.UnknownCongestionPoint, CONGESTION_POINT),
        (errors.PriceDiffers, PRICE_MISMATCH),
        (errors.BadReservation, POWER_MISMATCH),
        (errors.AwardDiffers, ALREADY),
        (errors.DuplicateReference, DUPLICATE),
        (errors.GatePassed, EXPIRATION),
        (errors.WrongTimeGrid, OUT_OF_BOUNDS),
    ]
    for kind, text in texts:
        if isinstance(error, kind):
            return text
    return f"{INVALID}: {error.message}"
