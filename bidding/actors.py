"""Jobs of bidding."""
