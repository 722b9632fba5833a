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


class BadWhatIf(DomainError):
    """details["findings"] names every bad place of the document."""

    code = "bad_what_if"
    http_status = 422


class NoAnswer(DomainError):
    """The solver found no point that keeps all limits; details["status"] says why."""

    code = "no_answer"
    http_status = 422
