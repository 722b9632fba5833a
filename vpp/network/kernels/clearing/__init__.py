"""Least-cost choice among bids so that the grid's limits hold, corrected by AC power flow (docs/network.md)."""
