"""The refusals of bidding; each has a stable code."""

from vpp.lib.errors import Conflict, DomainError, NotFound


class GatePassed(DomainError):
    code = "gate_passed"
    http_status = 422


class WrongTimeGrid(DomainError):
    code = "wrong_time_grid"
    http_status = 422


class UnknownCongestionPoint(NotFound):
    code = "unknown_congestion_point"


class ZeroQuantity(DomainError):
    code = "zero_quantity"
    http_status = 422


class BadQuantity(DomainError):
    code = "bad_quantity"
    http_status = 422


class BadAsk(DomainError):
    code = "bad_ask"
    http_status = 422


class DuplicateReference(Conflict):
    code = "duplicate_reference"


class StaleRevision(Conflict):
    """A later revision of the ask is known."""

    code = "stale_revision"


class UnknownServiceKind(DomainError):
    code = "unknown_service_kind"
    http_status = 422


class BidRevoked(Conflict):
    code = "bid_revoked"


class UnknownOption(NotFound):
    code = "unknown_option"


class ActivationTooSmall(DomainError):
    """The part ordered is below the option's least activation, or above 1."""

    code = "activation_out_of_range"
    http_status = 422


class UnknownContract(NotFound):
    code = "unknown_contract"


class BadReservation(DomainError):
    """A reservation can only be lowered; details name the interval."""

    code = "bad_reservation"
    http_status = 422


class PriceDiffers(DomainError):
    code = "price_differs"
    http_status = 422


class WrongState(Conflict):
    code = "wrong_state"


class SoldTwice(Conflict):
    code = "sold_twice"


class BidExpired(Conflict):
    code = "bid_expired"


class AwardDiffers(Conflict):
    code = "award_differs"


class AwardExceedsBid(DomainError):
    code = "award_exceeds_bid"
    http_status = 422


class BelowMinimum(DomainError):
    code = "below_minimum"
    http_status = 422


class BadPrice(DomainError):
    code = "bad_price"
    http_status = 422


class NotDeliverable(Conflict):
    """details["missing"] says by limit how much the devices lack."""

    code = "not_deliverable"


class ReceiptDiffers(Conflict):
    """The receipt is not of what was sent."""

    code = "receipt_differs"


class ReasonMissing(DomainError):
    code = "reason_missing"
    http_status = 422


class UnknownMarket(NotFound):
    code = "unknown_market"


class UnknownProduct(NotFound):
    code = "unknown_product"


class UnknownBid(NotFound):
    code = "unknown_bid"


class UnknownAward(NotFound):
    code = "unknown_award"


class UnknownAsk(NotFound):
    code = "unknown_ask"


class NoMarkets(DomainError):
    code = "no_markets"


class BadMarketFile(DomainError):
    """`findings` in the details lists every place."""

    code = "bad_market_file"


class BadPriceFile(DomainError):
    code = "bad_price_file"
    http_status = 422


class BadWhatIf(DomainError):
    """details["findings"] names every bad place of the document."""

    code = "bad_what_if"
    http_status = 422


class NoAnswer(DomainError):
    """The solver found no point that keeps all limits; details["status"] says why."""

    code = "no_answer"
    http_status = 422
