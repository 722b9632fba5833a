"""Method profiles in their JSON form: the shipped ones, and single fields of one replaced."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

from vpp.settlement.kernels.calendar import DAY_TYPE_ALIASES, POOL_ALIASES, squashed
from vpp.settlement.kernels.profiles import AdjustmentRule, MethodProfile, PoolRule, ProfileError, Window

TUPLES = ("low_use_exempt", "exclusions_exempt")
NET_EXPORT = {"keep": False, "zero": True}
KIND_ALIASES = {"": "none", "ratio": "multiplicative", "scalar": "multiplicative", "factor": "multiplicative"}
PICK_ALIASES = {"high": "highest", "top": "highest", "mid": "middle", "last": "recent", "most_recent": "recent"}
# Other ways in which people write a shipped name, squashed; the version in brackets of a rulebook is not part of it.
ALIASES: Mapping[str, str] = {
    "caiso": "CAISO_10_IN_10",
    "10in10": "CAISO_10_IN_10",
    "caiso10of10": "CAISO_10_IN_10",
    "5in10": "CAISO_5_IN_10",
    "caiso5of10": "CAISO_5_IN_10",
    "caiso5in10residential": "CAISO_5_IN_10",
    "caisoresidential": "CAISO_5_IN_10",
    "caisoresidential5in10": "CAISO_5_IN_10",
    "caisoweather": "CAISO_WEATHER_MATCHING",
    "caisoweathermatch": "CAISO_WEATHER_MATCHING",
    "weathermatching": "CAISO_WEATHER_MATCHING",
    "pjm": "PJM_4_OF_5_SAA",
    "pjmsaa": "PJM_4_OF_5_SAA",
    "pjmhigh4of5": "PJM_4_OF_5_SAA",
    "pjm4of5": "PJM_4_OF_5_SAA",
    "pjmhigh4of5saa": "PJM_4_OF_5_SAA",
    "pjm3daytype": "PJM_4_OF_5_SAA",
    "pjm3daytypes": "PJM_4_OF_5_SAA",
    "pjm3daytypesaa": "PJM_4_OF_5_SAA",
    "pjmeconomic": "PJM_4_OF_5_SAA",
    "pjm3+2": "PJM_SAME_DAY",
    "pjmsameday3+2": "PJM_SAME_DAY",
    "pjmsameday32": "PJM_SAME_DAY",
    "pjm32": "PJM_SAME_DAY",
    "pjmmatchingday": "PJM_MATCH_DAY",
    "nyiso": "NYISO_AVERAGE_DAY",
    "nyisoaverage": "NYISO_AVERAGE_DAY",
    "nyisoaveragedaycbl": "NYISO_AVERAGE_DAY",
    "nyisoweather": "NYISO_WEATHER_SENSITIVE",
    "nyisoweathersensitivecbl": "NYISO_WEATHER_SENSITIVE",
    "isone": "ISONE_10_OF_10",
    "isone10in10": "ISONE_10_OF_10",
    "isonemean10of10": "ISONE_10_OF_10",
    "isone9010": "ISONE_90_10",
    "ercot": "ERCOT_MID_8_OF_10",
    "ercot8of10": "ERCOT_MID_8_OF_10",
    "ercotmiddle8of10": "ERCOT_MID_8_OF_10",
    "ena": "ENA_MID_8_OF_10",
    "mid8of10": "ENA_MID_8_OF_10",
    "middle8of10": "ENA_MID_8_OF_10",
    "enamiddle8of10": "ENA_MID_8_OF_10",
    "enamid8of10adjusted": "ENA_MID_8_OF_10_SDA",
    "mid8of10sda": "ENA_MID_8_OF_10_SDA",
    "elia": "ELIA_HIGH_X_OF_Y",
    "eliahighxofy": "ELIA_HIGH_X_OF_Y",
    "elexon": "ELEXON_P376_BL01",
    "elexonbl01": "ELEXON_P376_BL01",
    "p376bl01": "ELEXON_P376_BL01",
    "dfs": "ELEXON_P376_BL01",
    "miso": "MISO_10_OF_10",
    "miso10in10": "MISO_10_OF_10",
    "aemo": "AEMO_WDR",
    "mbma": "MBMA_BEFORE",
    "metergeneratoroutput": "MGO",
    "caltrack": "CALTRACK_HOURLY",
    "hourlyregression": "CALTRACK_HOURLY",
    "gradientboosting": "GRADIENT_BOOSTING",
    "boosting": "GRADIENT_BOOSTING",
    "dprognosis": "D_PROGNOSIS",
    "nebef": "RTE_NEBEF_RECTANGLE",
    "rtenebef": "RTE_NEBEF_RECTANGLE",
}


@lru_cache(maxsize=1)
def shipped_profiles() -> dict[str, dict[str, Any]]:
    """The profiles that come with the service, as JSON data by canonical name."""
    text = files("vpp.settlement.kernels").joinpath("profiles.json").read_text(encoding="utf-8")
    shipped: dict[str, dict[str, Any]] = json.loads(text)
    return shipped


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {**ALIASES, **{squashed(name): name for name in shipped_profiles()}}


def canonical_name(name: str) -> str | None:
    """The shipped name that is meant (`caiso 10-in-10` and `CAISO_10IN10` are one), or None."""
    return _names().get(squashed(name))


def shipped_profile(name: str) -> MethodProfile:
    """A shipped X-of-Y profile by name; raises ProfileError for an unknown one."""
    wanted = canonical_name(name)
    data = shipped_profiles().get(wanted or "")
    if wanted is None or data is None or data.get("method", "x_of_y") != "x_of_y":
        raise ProfileError(f"no X-of-Y profile called {name!r}")
    return profile_from_dict(wanted, data)


def profile_from_dict(name: str, data: Mapping[str, Any]) -> MethodProfile:
    """A profile from its JSON form; raises ProfileError with the field that is wrong."""
    known = set(MethodProfile.__dataclass_fields__) - {"name", "pools", "adjustment"}
    extra = set(data) - known - {"pools", "adjustment", "source", "method", "net_export"}
    if extra:
        raise ProfileError(
            f"params: {', '.join(sorted(extra))} is unknown; known: {', '.join(sorted(known))}, pools, adjustment"
        )
    values = {key: data[key] for key in known & set(data)}
    pools = {pool_name(pool): pool_from_dict(rule) for pool, rule in (data.get("pools") or {}).items()}
    values["day_types"] = day_types_name(values.get("day_types"), pools)
    values["pick"] = PICK_ALIASES.get(str(values.get("pick", "recent")), str(values.get("pick", "recent")))
    for field in TUPLES:
        values[field] = tuple(pool_name(pool) for pool in values.get(field, ()))
    if data.get("net_export") is not None:
        if data["net_export"] not in NET_EXPORT:
            raise ProfileError(f"net_export {data['net_export']!r} is not one of {tuple(NET_EXPORT)}")
        values["clip_exports"] = NET_EXPORT[data["net_export"]]
    adjustment = adjustment_from_dict(data.get("adjustment") or {})
    return MethodProfile(name=name, pools=pools, adjustment=adjustment, **{"lookback_days": 45, **values})


def day_types_name(wanted: Any, pools: Mapping[str, PoolRule]) -> str:
    """The name of a set of day types from its name, a number of types, a list of pools, or the pools given."""
    if wanted is None:
        wanted = sorted(pools) or "business_nonbusiness"
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        wanted = "_".join(sorted(pool_name(str(pool)) for pool in wanted))
    return DAY_TYPE_ALIASES.get(squashed(str(wanted)), str(wanted))


def pool_name(name: str) -> str:
    """A pool's name as the day types have it: `weekday` is `business`."""
    return POOL_ALIASES.get(squashed(name), name)


def pool_from_dict(data: Mapping[str, Any]) -> PoolRule:
    """{y, x, min, weights, weight_order} as a rule; x defaults to y, min to x."""
    collect = int(data["y"])
    use = int(data.get("x", collect))
    weights = tuple(float(weight) for weight in data["weights"]) if data.get("weights") else None
    order = str(data.get("weight_order") or "recent")
    return PoolRule(collect, use, int(data.get("min", use)), weights, order)


def adjustment_from_dict(data: Mapping[str, Any]) -> AdjustmentRule:
    """{kind, windows [{side, from_h, hours}], min, max} as a rule."""
    windows = tuple(
        Window(str(window["side"]), float(window["from_h"]), float(window["hours"]))
        for window in data.get("windows") or ()
    )
    kind = str(data.get("kind") or "none").lower()
    low, high = (None if data.get(name) is None else float(data[name]) for name in ("min", "max"))
    return AdjustmentRule(KIND_ALIASES.get(kind, kind), windows, low, high)


def override_profile(profile: MethodProfile, params: Mapping[str, Any]) -> MethodProfile:
    """A profile with some of its fields replaced; pools and adjustment are merged field by field.

    `adjustment: null` takes the adjustment away. A pool's x and min that are not given shrink to a smaller y; x that
    was y stays y.
    """
    changes = dict(params)
    base: dict[str, Any] = {name: getattr(profile, name) for name in MethodProfile.__dataclass_fields__}
    pools: dict[str, PoolRule] = dict(base.pop("pools"))
    adjustment = base.pop("adjustment")
    base.pop("name")
    if "adjustment" in changes:
        change = changes.pop("adjustment")
        adjustment = adjustment_from_dict({**adjustment_as_dict(adjustment), **change} if change else {})
    for pool, rule in (changes.pop("pools", None) or {}).items():
        pools[pool_name(pool)] = pool_from_dict({**_pool_defaults(pools.get(pool_name(pool)), rule), **rule})
    if "net_export" in changes:
        base.pop("clip_exports")
    changes = {key: value for key, value in changes.items() if value is not None}
    merged = profile_from_dict(profile.name, {**base, **changes})
    return replace(merged, pools=pools, adjustment=adjustment)


def _pool_defaults(rule: PoolRule | None, change: Mapping[str, Any]) -> dict[str, Any]:
    if rule is None:
        return {}
    collect = int(change.get("y", rule.collect))
    use = int(change.get("x", collect if rule.use == rule.collect else min(rule.use, collect)))
    kept = {"y": collect, "x": use, "min": min(rule.minimum, collect), "weight_order": rule.weight_order}
    return kept if rule.weights is None else {**kept, "weights": rule.weights}


def adjustment_as_dict(rule: AdjustmentRule) -> dict[str, Any]:
    """A rule in its JSON form."""
    windows = [{"side": w.side, "from_h": w.from_h, "hours": w.hours} for w in rule.windows]
    return {"kind": rule.kind, "windows": windows, "min": rule.minimum, "max": rule.maximum}
