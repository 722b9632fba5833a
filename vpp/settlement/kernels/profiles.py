"""Method profiles: the numbers of a baseline rule as versioned data, read from profiles.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

from vpp.settlement.kernels.calendar import DAY_TYPES, DayTypes

PICKS = ("recent", "highest", "middle", "nearest_temperature")
ADJUSTMENT_KINDS = ("none", "multiplicative", "additive")
LOW_USE_RULES = ("none", "pool_mean", "running_level")
DAY_TYPE_ALIASES = {
    "1": "all",
    "2": "business_nonbusiness",
    "3": "business_saturday_sunday",
    "two": "business_nonbusiness",
    "three": "business_saturday_sunday",
}


class ProfileError(ValueError):
    """A method profile that contradicts itself; says which field."""


@dataclass(frozen=True, slots=True)
class Window:
    """An adjustment window in elapsed hours: it starts from_h before the event's start, or after its end."""

    side: str
    from_h: float
    hours: float

    def __post_init__(self) -> None:
        if self.side not in ("pre", "post") or self.hours <= 0 or self.from_h < 0:
            raise ProfileError(f"adjustment window {self.side} {self.from_h} h, {self.hours} h long")


@dataclass(frozen=True, slots=True)
class AdjustmentRule:
    """A same-day adjustment; minimum and maximum bound the factor, or the addend in kWh per interval."""

    kind: str = "none"
    windows: tuple[Window, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ADJUSTMENT_KINDS:
            raise ProfileError(f"adjustment kind {self.kind!r} is not one of {ADJUSTMENT_KINDS}")
        if self.kind != "none" and not self.windows:
            raise ProfileError("an adjustment needs at least one window")


@dataclass(frozen=True, slots=True)
class PoolRule:
    """How one day type picks: collect y days, use x of them, answer insufficient under `minimum`.

    weights : None for a plain mean, else one per used day, most recent first; scaled to sum to one.
    """

    collect: int
    use: int
    minimum: int
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.use <= self.collect or not 1 <= self.minimum <= self.collect:
            raise ProfileError(f"pool x={self.use} y={self.collect} min={self.minimum}")


@dataclass(frozen=True, slots=True)
class MethodProfile:
    """One X-of-Y baseline rule, complete; every number of it is data.

    start_days_before : the youngest reference day, 1 = the day before the event.
    low_use_share     : days under this share of the pool's (or the running) level are removed and replaced.
    clip_exports      : negative readings count as 0 before everything.
    """

    name: str
    day_types: str
    lookback_days: int
    pools: Mapping[str, PoolRule]
    pick: str = "recent"
    start_days_before: int = 1
    topup_with_event_days: bool = False
    low_use_rule: str = "none"
    low_use_share: float = 0.0
    low_use_exempt: tuple[str, ...] = ()
    skip_clock_change_days: bool = False
    clip_exports: bool = False
    floor_at_zero: bool = False
    adjustment: AdjustmentRule = field(default_factory=AdjustmentRule)
    version: str = "1"

    def __post_init__(self) -> None:
        if self.day_types not in DAY_TYPES:
            raise ProfileError(f"day_types {self.day_types!r} is not one of {sorted(DAY_TYPES)}")
        if self.pick not in PICKS or self.low_use_rule not in LOW_USE_RULES:
            raise ProfileError(f"pick {self.pick!r}, low use rule {self.low_use_rule!r}")
        if self.lookback_days < 1 or self.start_days_before < 1:
            raise ProfileError("lookback_days and start_days_before are at least 1")

    @property
    def calendar(self) -> DayTypes:
        """The day types as a rule on dates."""
        return DAY_TYPES[self.day_types]


def canonical_name(name: str) -> str:
    """`caiso 10-in-10` and `CAISO_10_IN_10` are one name."""
    return name.strip().upper().replace("-", "_").replace(" ", "_")


def profile_from_dict(name: str, data: Mapping[str, Any]) -> MethodProfile:
    """A profile from its JSON form; raises ProfileError with the field that is wrong."""
    known = set(MethodProfile.__dataclass_fields__) - {"name", "pools", "adjustment"}
    extra = set(data) - known - {"pools", "adjustment", "source", "method"}
    if extra:
        raise ProfileError(f"unknown profile fields: {', '.join(sorted(extra))}")
    values = {key: data[key] for key in known & set(data)}
    day_types = str(values.get("day_types", "business_nonbusiness"))
    values["day_types"] = DAY_TYPE_ALIASES.get(day_types, day_types)
    values["low_use_exempt"] = tuple(values.get("low_use_exempt", ()))
    return MethodProfile(
        name=name,
        pools={pool: pool_from_dict(rule) for pool, rule in data.get("pools", {}).items()},
        adjustment=adjustment_from_dict(data.get("adjustment") or {}),
        **{"lookback_days": 45, **values},
    )


def pool_from_dict(data: Mapping[str, Any]) -> PoolRule:
    """{y, x, min, weights} as a rule; x defaults to y, min to x."""
    collect = int(data["y"])
    use = int(data.get("x", collect))
    weights = tuple(float(weight) for weight in data["weights"]) if data.get("weights") else None
    return PoolRule(collect=collect, use=use, minimum=int(data.get("min", use)), weights=weights)


def adjustment_from_dict(data: Mapping[str, Any]) -> AdjustmentRule:
    """{kind, windows [{side, from_h, hours}], min, max} as a rule."""
    windows = tuple(
        Window(str(window["side"]), float(window["from_h"]), float(window["hours"]))
        for window in data.get("windows", ())
    )
    return AdjustmentRule(str(data.get("kind") or "none"), windows, data.get("min"), data.get("max"))


@lru_cache(maxsize=1)
def shipped_profiles() -> dict[str, dict[str, Any]]:
    """The profiles that come with the service, as JSON data by canonical name."""
    text = files("vpp.settlement.kernels").joinpath("profiles.json").read_text(encoding="utf-8")
    shipped: dict[str, dict[str, Any]] = json.loads(text)
    return shipped


def shipped_profile(name: str) -> MethodProfile:
    """A shipped X-of-Y profile by name; raises ProfileError for an unknown one."""
    wanted = canonical_name(name)
    data = shipped_profiles().get(wanted)
    if data is None or data.get("method", "x_of_y") != "x_of_y":
        raise ProfileError(f"no X-of-Y profile called {name!r}")
    return profile_from_dict(wanted, data)


def override_profile(profile: MethodProfile, params: Mapping[str, Any]) -> MethodProfile:
    """A profile with some of its fields replaced; pools and adjustment are merged field by field."""
    changes = dict(params)
    base: dict[str, Any] = {name: getattr(profile, name) for name in MethodProfile.__dataclass_fields__}
    pools: dict[str, PoolRule] = dict(base.pop("pools"))
    adjustment = base.pop("adjustment")
    base.pop("name")
    if "adjustment" in changes:
        adjustment = adjustment_from_dict({**_adjustment_as_dict(adjustment), **(changes.pop("adjustment") or {})})
    for pool, rule in (changes.pop("pools", None) or {}).items():
        pools[pool] = pool_from_dict({**_pool_as_dict(pools.get(pool), rule), **rule})
    merged = profile_from_dict(profile.name, {**base, **changes})
    return replace(merged, pools=pools, adjustment=adjustment)


def _pool_as_dict(rule: PoolRule | None, change: Mapping[str, Any]) -> dict[str, Any]:
    if rule is None or "y" in change:
        return {}
    return {"y": rule.collect, "x": rule.use, "min": rule.minimum, "weights": rule.weights}


def _adjustment_as_dict(rule: AdjustmentRule) -> dict[str, Any]:
    windows = [{"side": w.side, "from_h": w.from_h, "hours": w.hours} for w in rule.windows]
    return {"kind": rule.kind, "windows": windows, "min": rule.minimum, "max": rule.maximum}
