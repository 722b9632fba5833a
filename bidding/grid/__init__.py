"""The grid behind the distribution market: what a feeder will carry, what it needs, and which bids serve it best.

For a utility that uses this service as its DERMS. `vpp.network` calculates on whatever injections it is given; here
they come from forecasts, meters, bids and commitments.
"""
