"""The life of a setpoint: which steps there are. The database refuses any other (migration 0002)."""

from __future__ import annotations

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
UNANSWERED = ("PLANNED", "SENT")


def states_before(state: str) -> list[str]:
    """The states that a setpoint may come to `state` from; in all others a late message changes nothing."""
    return [before for before, after in STEPS.items() if state in after]
