"""Versions of a feeder's switching state: recorded by imports and switchings, never changed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from vpp.network.models import Branch, Feeder, Node, Regulator, Shunt, Source, TopologyVersion, Transformer

if TYPE_CHECKING:
    from datetime import datetime

ELEMENTS: tuple[Any, ...] = (Node, Branch, Transformer, Regulator, Shunt, Source)


def fingerprint(feeder: Feeder) -> str:
    """SHA-256 over every element of the feeder as it is stored."""
    rows = []
    for model in ELEMENTS:
        stored = model.objects.filter(feeder=feeder).order_by("pk").values_list()
        rows += [[model.__name__, *row] for row in stored]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def newest(feeder: Feeder) -> TopologyVersion | None:
    return TopologyVersion.objects.filter(feeder=feeder).order_by("-version").first()


def record_import(feeder: Feeder, *, at: datetime) -> TopologyVersion:
    """The version after an import: the newest one if no element changed; else a new one. Switches in the field stay as
    they are."""
    before, seen = newest(feeder), fingerprint(feeder)
    if before is not None and before.fingerprint == seen:
        return before
    switches = {} if before is None else before.switches
    return add(feeder, switches, at=at, cause=TopologyVersion.Cause.IMPORT, reason="", seen=seen)


def add(
    feeder: Feeder,
    switches: dict[str, list[bool]],
    *,
    at: datetime,
    cause: TopologyVersion.Cause,
    reason: str,
    seen: str = "",
) -> TopologyVersion:
    """The next version; of two at once the second fails on the unique number and may be repeated."""
    before = newest(feeder)
    differing = deviating(feeder, switches)
    return TopologyVersion.objects.create(
        feeder=feeder,
        version=1 if before is None else before.version + 1,
        valid_from=at,
        cause=cause,
        normal=not differing,
        switches=differing,
        fingerprint=seen or fingerprint(feeder),
        reason=reason,
    )


def deviating(feeder: Feeder, switches: dict[str, list[bool]]) -> dict[str, list[bool]]:
    """Only what differs from the elements' own rows, and only of elements that are still there."""
    branches = Branch.objects.filter(feeder=feeder).values_list("code", "from_closed", "to_closed")
    stored = {code: [start, end] for code, start, end in branches}
    transformers = Transformer.objects.filter(feeder=feeder).values_list("code", "closed")
    stored |= {code: [closed, closed] for code, closed in transformers}
    wanted = {code: list(ends) for code, ends in sorted(switches.items())}
    return {code: ends for code, ends in wanted.items() if code in stored and stored[code] != ends}
