"""Which setpoints a control cycle writes: what is new, moved, about to run out or over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch import setpoint_rows
from vpp.dispatch.kernels.disaggregate import Split
from vpp.dispatch.operations.judging import STEP
from vpp.dispatch.operations.reactive import Reactive
from vpp.dispatch.operations.scene import SAME_KVAR, SAME_KW, Scene
from vpp.dispatch.setpoint_rows import NewSetpoints

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HEARTBEAT_INTERVALS = setpoint_rows.LONGEST_VALIDITY // STEP  # then an unchanged setpoint is written again


@dataclass(frozen=True)
class Sent:
    """Real power (N,) in kW: asked, or else the device's own as expected; what it is most likely to be at."""

    asked: Bools
    target_kw: Floats
    likely_kw: Floats


def sent_to(scene: Scene, splits: dict[int, Split]) -> Sent:
    table, state = scene.fleet.table, scene.state
    asked = np.abs(np.concatenate([split.change_kw for split in splits.values()])) > 0.0
    split_kw = np.concatenate([split.target_kw for split in splits.values()])
    own_kw = np.clip(state.baseline_kw, -table.max_production_kw, table.max_consumption_kw)
    more_kw = np.fmax(np.abs(own_kw), np.abs(state.previous_kw))  # sun may be brighter than forecast
    return Sent(asked, np.where(asked, split_kw, own_kw), np.where(asked, split_kw, more_kw))


def changes(scene: Scene, sent: Sent, reactive: Reactive) -> NewSetpoints:
    """Setpoints to write: new or moved targets, those about to run out or judged as missed (nobody sends these any
    more, and the device may never have heard of them), and releases of devices no longer needed. A device that is
    asked for reactive power alone is released with it: its real power stays its own."""
    held, wanted = scene.held, ~np.isnan(reactive.target_kvar)
    held_kw, held_kvar = ~np.isnan(held.target_kw), ~np.isnan(held.target_kvar)
    with np.errstate(invalid="ignore"):
        moved = (np.abs(sent.target_kw - held.target_kw) > SAME_KW) & sent.asked
        moved |= np.abs(reactive.target_kvar - held.target_kvar) > SAME_KVAR
        ends_now = ~(held.until_s >= (scene.start + STEP).timestamp())
    other = (sent.asked != held_kw) | (wanted != held_kvar)
    renewed = (sent.asked | wanted) & (ends_now | held.missed)
    rows = np.flatnonzero(other | moved | renewed)
    portfolio_id = scene.fleet.portfolio_id[rows]
    real_s = np.where(sent.asked[rows] | ~wanted[rows], _expiry_s(scene, portfolio_id), np.inf)
    return NewSetpoints(
        device_id=scene.fleet.table.device_id[rows],
        portfolio_id=portfolio_id,
        target_kw=sent.target_kw[rows],
        baseline_kw=scene.state.baseline_kw[rows],
        released=~sent.asked[rows],
        expires_s=np.minimum(real_s, reactive.until_s[rows]).astype(np.int64),
        target_kvar=reactive.target_kvar[rows] if wanted[rows].any() else None,
    )


def _expiry_s(scene: Scene, portfolio_id: NDArray[np.int64]) -> NDArray[np.int64]:
    """(M,) epoch seconds at which setpoints of these portfolios run out."""
    until_s = np.zeros(portfolio_id.size, dtype=np.int64)
    for one in np.unique(portfolio_id).tolist():
        until = scene.start + STEP * _intervals_ahead(scene.positions[one].committed_up_kw[scene.index :])
        until_s[portfolio_id == one] = round(until.timestamp())
    return until_s


def _intervals_ahead(committed_up_kw: Floats) -> int:
    """How long a setpoint holds unless renewed: while the same direction is promised, at most the heartbeat."""
    ahead = np.sign(committed_up_kw)
    if ahead[0] == 0.0:
        return 1  # recovery ends by itself
    differs = np.flatnonzero(ahead != ahead[0])
    return min(int(differs[0]) if differs.size else ahead.size, HEARTBEAT_INTERVALS)
