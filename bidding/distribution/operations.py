"""What the distribution market does. Import the operations from here."""

from bidding.distribution.ask_states import expire_asks, mark_ask, move_ask, open_bids, withdraw_ask
from bidding.distribution.asks import AskContent, receive_ask
from bidding.distribution.ordering import accept_bid, reject_bid, revoke_bid

__all__ = [
    "AskContent",
    "accept_bid",
    "expire_asks",
    "mark_ask",
    "move_ask",
    "open_bids",
    "receive_ask",
    "reject_bid",
    "revoke_bid",
    "withdraw_ask",
]
