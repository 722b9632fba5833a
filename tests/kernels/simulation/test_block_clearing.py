"""Blocks: whole or not at all, at most one of a group, never at a loss, whatever the book."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpp.simulation.kernels.block_clearing import Block, clear_blocks

DEEP = 1e7


def sale(kw, price):
    return Block(np.array(kw, float), np.zeros(len(kw)), price, price)


def test_the_better_block_of_a_group_is_taken_and_the_dear_one_is_not():
    reference = np.array([20.0, 60.0, 40.0])
    early, late, dear = sale([100, 100, 0], 30.0), sale([0, 100, 100], 30.0), sale([0, 100, 0], 60.5)
    price, taken = clear_blocks([[early, late], [dear]], reference, DEEP)
    assert taken == [1, None] and price == pytest.approx(reference, abs=0.6)


def test_a_loop_is_taken_for_its_legs_together():
    loop = Block(np.array([0.0, 80.0]), np.array([100.0, 0.0]), 50.0, 30.0)
    assert clear_blocks([[loop]], np.array([35.0, 60.0]), DEEP)[1] == [0]
    assert clear_blocks([[loop]], np.array([45.0, 60.0]), DEEP)[1] == [None]


def test_a_block_that_spoils_its_own_price_is_turned_down():
    """Paradoxically rejected: at 40 it would gain, but it pushes the price of a shallow book below its limit."""
    big = sale([5000.0], 39.0)
    price, taken = clear_blocks([[big]], np.array([40.0]), 1000.0)
    assert taken == [None] and price[0] == pytest.approx(40.0, abs=0.6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_no_block_that_is_taken_loses_at_the_final_price(seed):
    rng = np.random.default_rng(seed)
    reference = rng.uniform(-20, 90, 6).round(2)
    groups = []
    for _ in range(int(rng.integers(1, 4))):
        group = []
        for _ in range(int(rng.integers(1, 4))):
            sells, buys = rng.integers(0, 2, 6) * 500.0, np.zeros(6)
            if rng.random() < 0.5:
                buys = (sells == 0) * 400.0
            group.append(Block(sells, buys, float(rng.uniform(0, 80)), float(rng.uniform(0, 80))))
        groups.append(group)
    price, taken = clear_blocks(groups, reference, float(rng.choice([100.0, 5000.0])))
    assert len(taken) == len(groups) and np.all(np.isfinite(price))
    for group, number in zip(groups, taken, strict=True):
        assert number is None or group[number].gain(price) >= -1e-3
