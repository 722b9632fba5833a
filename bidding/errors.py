"""The refusals of bidding; each has a stable code."""

from vpp.lib.errors import Conflict, DomainError, NotFound, Unprocessable


class GatePassed(Unprocessable):
    code = "gate_passed"


class WrongTimeGrid(Unprocessable):
    code = "wrong_time_grid"


class UnknownCongestionPoint(NotFound):
    code = "unknown_congestion_point"


class ZeroQuantity(Unprocessable):
    code = "zero_quantity"


class BadQuantity(Unprocessable):
    code = "bad_quantity"


class BadAsk(Unprocessable):
    code = "bad_ask"


class DuplicateReference(Conflict):
    code = "duplicate_reference"


class StaleRevision(Conflict):
    """A later revision of the ask is known."""

    code = "stale_revision"


class UnknownServiceKind(Unprocessable):
    code = "unknown_service_kind"


class BidRevoked(Conflict):
    code = "bid_revoked"


class UnknownOption(NotFound):
    code = "unknown_option"


class ActivationTooSmall(Unprocessable):
    """The part ordered is below the option's least activation, or above 1."""

    code = "activation_out_of_range"


class UnknownContract(NotFound):
    code = "unknown_contract"


class BadReservation(Unprocessable):
    """A reservation can only be lowered; details name the interval."""

    code = "bad_reservation"


class PriceDiffers(Unprocessable):
    code = "price_differs"


class WrongState(Conflict):
    code = "wrong_state"


class RunUnderWay(Conflict):
    """The nightly run is at work on the day; try again when it is done."""

    code = "run_under_way"


class SoldTwice(Conflict):
    code = "sold_twice"


class BidExpired(Conflict):
    code = "bid_expired"


class AwardDiffers(Conflict):
    code = "award_differs"


class AwardCancelled(Conflict):
    """details: reference and moment of the cancellation."""

    code = "award_cancelled"


class IntervalBegun(Conflict):
    """What has begun is delivered; details["open_from"] is the first interval that may still change."""

    code = "interval_begun"


class AwardExceedsBid(Unprocessable):
    code = "award_exceeds_bid"


class BelowMinimum(Unprocessable):
    code = "below_minimum"


class BadPrice(Unprocessable):
    code = "bad_price"


class NotDeliverable(Conflict):
    """details["missing"] says by limit how much the devices lack."""

    code = "not_deliverable"


class ReceiptDiffers(Conflict):
    """The receipt is not of what was sent."""

    code = "receipt_differs"


class ReasonMissing(Unprocessable):
    code = "reason_missing"


class UnknownMarket(NotFound):
    code = "unknown_market"


class UnknownProduct(NotFound):
    code = "unknown_product"


class UnknownBid(NotFound):
    code = "unknown_bid"


class UnknownBlock(NotFound):
    code = "unknown_block"


class UnknownDocument(NotFound):
    code = "unknown_document"


class NothingToSend(Unprocessable):
    code = "nothing_to_send"


class UnknownAward(NotFound):
    code = "unknown_award"


class UnknownAsk(NotFound):
    code = "unknown_ask"


class AmbiguousReference(Conflict):
    """Two utilities use the same reference; details["utilities"] are those to choose from by `?utility=`."""

    code = "ambiguous_reference"


class NoMarkets(DomainError):
    code = "no_markets"


class BadMarketFile(DomainError):
    """`findings` in the details lists every place."""

    code = "bad_market_file"


class BadPriceFile(Unprocessable):
    code = "bad_price_file"


class BadWhatIf(Unprocessable):
    """details["findings"] names every bad place of the document."""

    code = "bad_what_if"


class NoAnswer(Unprocessable):
    """The solver found no point that keeps all limits; details["status"] says why."""

    code = "no_answer"


#: Why one bid is not made or sent; whoever makes several goes on with the next.
REFUSALS = (GatePassed, WrongState, WrongTimeGrid, SoldTwice, BelowMinimum, BadPrice)
