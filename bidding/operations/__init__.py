"""What bidding does. Import the operations from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidding.operations.bids import create_bid, expire_bids, submit_bid
from bidding.operations.book import award, open_book, release, reserve
from bidding.operations.desk import BidChange, edit_bid, hold_bid, release_bid
from bidding.operations.dry_run import dry_run
from bidding.operations.nightly import nightly
from bidding.operations.whatif import what_if
from bidding.wholesale.operations import activate, cancel_awards, import_markets, post_awards, post_prices

if TYPE_CHECKING:
    from bidding.distribution.operations import (
        accept_bid,
        expire_asks,
        mark_ask,
        receive_ask,
        reject_bid,
        revoke_bid,
        withdraw_ask,
    )

__all__ = [
    "BidChange",
    "accept_bid",
    "activate",
    "award",
    "cancel_awards",
    "create_bid",
    "dry_run",
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


def __getattr__(name: str) -> Any:
    """The distribution market stands on this package's modules, so its operations are looked up when they are used."""
    if name in __all__:
        from bidding.distribution import operations as distribution

        return getattr(distribution, name)
    raise AttributeError(name)
