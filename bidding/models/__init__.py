"""Tables of bidding. Markets live in `wholesale`, asks in `distribution`."""

from bidding.distribution.models import Ask, AskEvent, FlexContract, Reservation
from bidding.distribution.options import BidOption, OrderedOption
from bidding.models.awards import Activation, Award, AwardCancellation
from bidding.models.bids import Bid, BidEvent
from bidding.models.book import BookCell, BookEntry
from bidding.models.exchange import MarketDocument, RiskSetting
from bidding.models.runs import NightlyRun, NightlyStep, PlannedDay
from bidding.wholesale.models import Direction, Market, Price, Product

__all__ = [
    "Activation",
    "Ask",
    "AskEvent",
    "Award",
    "AwardCancellation",
    "Bid",
    "BidEvent",
    "BidOption",
    "BookCell",
    "BookEntry",
    "Direction",
    "FlexContract",
    "Market",
    "MarketDocument",
    "NightlyRun",
    "NightlyStep",
    "OrderedOption",
    "PlannedDay",
    "Price",
    "Product",
    "Reservation",
    "RiskSetting",
]
