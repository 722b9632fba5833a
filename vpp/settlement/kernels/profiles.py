"""Method profiles: the numbers of a day-matching rule. Their JSON form is read by `profile_data`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vpp.settlement.kernels.calendar import DAY_TYPES, DayTypes

PICKS = ("recent", "highest", "middle", "nearest_temperature", "nearest_load", "decay")
ADJUSTMENT_KINDS = ("none", "multiplicative", "additive")
LOW_USE_RULES = ("none", "pool_mean", "running_level")
WEIGHT_ORDERS = ("recent", "rank")
RANKINGS = ("event", "day")
DISTANCES = ("squared", "absolute")


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
            raise ProfileError(
                f"adjustment window {self.side!r} {self.from_h:g} h, {self.hours:g} h long:"
                " side is pre or post, from_h at least 0, hours above 0"
            )


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

    weights      : None for a plain mean, else one per used day; scaled to sum to one.
    weight_order : which day the first weight is for: the most recent one, or the first of the ranking.
    """

    collect: int
    use: int
    minimum: int
    weights: tuple[float, ...] | None = None
    weight_order: str = "recent"

    def __post_init__(self) -> None:
        if self.weight_order not in WEIGHT_ORDERS:
            raise ProfileError(f"weight_order {self.weight_order!r} is not one of {WEIGHT_ORDERS}")
        if not 1 <= self.use <= self.collect or not 1 <= self.minimum <= self.collect:
            raise ProfileError(
                f"pool x={self.use} y={self.collect} min={self.minimum}: x and min are at least 1 and at most y"
            )


@dataclass(frozen=True, slots=True)
class MethodProfile:
    """One X-of-Y baseline rule, complete; every number of it is data.

    start_days_before : the youngest reference day, 1 = the day before the event.
    low_use_share     : days under this share of the pool's (or the running) level are removed and replaced.
    topup_with_outage_days : whether outage days fill up beside event days, where those do.
    exclusions_exempt : pools that keep event and outage days as reference days.
    rank_by           : energy that days are ranked by: of the event's slots, or of the whole local day.
    memory            : pick `decay`: B <- memory x B + (1 - memory) x M(d) after a mean of the first y days.
    match_skip_h      : pick `nearest_load`: hours on either side of the event that are not compared.
    clip_exports      : negative readings count as 0 before everything.
    """

    name: str
    day_types: str
    lookback_days: int
    pools: Mapping[str, PoolRule]
    pick: str = "recent"
    start_days_before: int = 1
    topup_with_event_days: bool = False
    topup_with_outage_days: bool = True
    low_use_rule: str = "none"
    low_use_share: float = 0.0
    low_use_exempt: tuple[str, ...] = ()
    skip_clock_change_days: bool = False
    exclusions_exempt: tuple[str, ...] = ()
    rank_by: str = "event"
    memory: float = 0.9
    match_skip_h: float = 1.0
    match_distance: str = "squared"
    clip_exports: bool = False
    floor_at_zero: bool = False
    adjustment: AdjustmentRule = field(default_factory=AdjustmentRule)
    version: str = "1"

    def __post_init__(self) -> None:
        if self.day_types not in DAY_TYPES:
            raise ProfileError(f"day_types {self.day_types!r} is not one of {sorted(DAY_TYPES)}")
        if self.pick not in PICKS or self.low_use_rule not in LOW_USE_RULES:
            raise ProfileError(f"pick {self.pick!r}, low use rule {self.low_use_rule!r}")
        if self.rank_by not in RANKINGS or self.match_distance not in DISTANCES:
            raise ProfileError(f"rank_by {self.rank_by!r}, match_distance {self.match_distance!r}")
        if not 0 <= self.memory < 1 or self.match_skip_h < 0:
            raise ProfileError(f"memory {self.memory}, match_skip_h {self.match_skip_h}")
        if self.pick == "nearest_load" and self.adjustment.kind != "none":
            raise ProfileError("days that are matched by their load have no adjustment")
        if self.lookback_days < 1 or self.start_days_before < 1:
            raise ProfileError("lookback_days and start_days_before are at least 1")

    @property
    def calendar(self) -> DayTypes:
        """The day types as a rule on dates."""
        return DAY_TYPES[self.day_types]
