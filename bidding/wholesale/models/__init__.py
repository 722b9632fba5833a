"""Tables of the wholesale markets."""

from bidding.wholesale.models.markets import Direction, Market
from bidding.wholesale.models.prices import Price
from bidding.wholesale.models.products import Product

__all__ = ["Direction", "Market", "Price", "Product"]
