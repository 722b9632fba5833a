"""What bidding does. Import the operations from here."""

from bidding.distribution.operations import (
    accept_bid,
    expire_asks,
    mark_ask,
    receive_ask,
    reject_bid,
    revoke_bid,
    withdraw_ask,
)
from bidding.operations.bids import create_bid, expire_bids, submit_bid
from bidding.operations.book import award, open_book, release, reserve
from bidding.operations.desk import BidChange, edit_bid, hold_bid, release_bid
from bidding.operations.nightly import nightly
from bidding.operations.whatif import what_if
from bidding.wholesale.operations import activate, import_markets, post_awards, post_prices

__all__ = [
    "BidChange",
    "accept_bid",
    "activate",
    "award",
    "create_bid",
    "edit_bid",
    "expire_asks",
    "expire_bids",
    "hold_bid",
    "import_markets",
    "mark_ask",
    "nightly",
    "open_book",
    "post_awards",
    "post_prices",
    "receive_ask",
    "reject_bid",
    "release",
    "release_bid",
    "reserve",
    "revoke_bid",
    "submit_bid",
    "what_if",
    "withdraw_ask",
]
