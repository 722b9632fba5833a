"""Baselines, performance and allocation as pure functions of arrays."""
