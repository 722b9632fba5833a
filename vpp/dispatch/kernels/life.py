"""The life of a setpoint: which steps there are, and which command a device may act on."""

from __future__ import annotations

from dataclasses import dataclass

STEPS: dict[str, tuple[str, ...]] = {
    "PLANNED": ("SENT", "EXPIRED", "SUPERSEDED"),
    "SENT": ("ACKNOWLEDGED", "REFUSED", "FOLLOWED", "MISSED", "EXPIRED", "SUPERSEDED"),
    "ACKNOWLEDGED": ("FOLLOWED", "MISSED", "SUPERSEDED"),
    "FOLLOWED": ("MISSED",),  # followed at first, then no longer while it was still in force
    "MISSED": (),
    "REFUSED": (),
    "EXPIRED": (),
    "SUPERSEDED": (),
}
WAITING = ("PLANNED", "SENT")


class IllegalStep(ValueError):
    """A step that the life of a setpoint does not know."""


@dataclass(frozen=True, order=True)
class Key:
    """Which of two setpoints of a device is newer: the later interval, within it the higher sequence."""

    interval: float
    sequence: int


def moved(state: str, wished: str) -> str:
    """The state after a step. Raises IllegalStep."""
    if wished not in STEPS[state]:
        raise IllegalStep(f"{state} -> {wished}")
    return wished


def after_event(state: str, wished: str) -> str:
    """The state after a message that may come late or twice: an impossible step changes nothing."""
    return wished if wished in STEPS[state] else state


def may_send(state: str, key: Key, newest: Key, *, expires: float, now: float) -> bool:
    """Only what waits for an answer, is the newest of its device and has not run out leaves the house."""
    return state in WAITING and key == newest and now < expires


def acts_on(key: Key, last: Key | None, *, expires: float, now: float) -> bool:
    """A device's own rule: newer than all it has acted on, and not run out. It answers a repeat, and does no more."""
    return (last is None or key > last) and now < expires
