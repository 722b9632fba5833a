"""The network file's records: one dataclass per section, in the section's own names. docs/files.md describes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SubstationRow:
    code: str
    name: str = ""


@dataclass(frozen=True)
class FeederRow:
    """power_factor: of consumption for which only kW is known (lagging)."""

    code: str
    substation: str
    name: str = ""
    power_factor: float = 0.95


@dataclass(frozen=True)
class NodeRow:
    """latitude_deg, longitude_deg: where it stands (WGS 84, north and east positive); both or neither."""

    code: str
    feeder: str
    nominal_kv: float
    v_min_pu: float = 0.9
    v_max_pu: float = 1.1
    phases: str = "ABC"
    latitude_deg: float | None = None
    longitude_deg: float | None = None


@dataclass(frozen=True)
class BranchRow:
    code: str
    feeder: str
    from_node: str
    to_node: str
    r_ohm: float
    x_ohm: float
    c_nf: float = 0.0
    rating_a: float | None = None
    from_closed: bool = True
    to_closed: bool = True
    phases: str = "ABC"


@dataclass(frozen=True)
class TransformerRow:
    code: str
    feeder: str
    hv_node: str
    lv_node: str
    rated_kva: float
    hv_kv: float
    lv_kv: float
    vk_percent: float
    vkr_percent: float
    pfe_kw: float = 0.0
    i0_percent: float = 0.0
    tap_side: str = "HV"
    tap_position: int = 0
    tap_neutral: int = 0
    tap_step_percent: float = 0.0
    phases: str = "ABC"
    closed: bool = True


@dataclass(frozen=True)
class RegulatorRow:
    """An automatic tap changer; v_band_pu is the width of the band in which it does nothing."""

    code: str
    feeder: str
    transformer: str
    v_set_pu: float
    v_band_pu: float
    tap_min: int
    tap_max: int


@dataclass(frozen=True)
class ShuntRow:
    """A capacitor (q_kvar negative) or reactor as constant susceptance; q_kvar at nominal voltage."""

    code: str
    feeder: str
    node: str
    q_kvar: float


@dataclass(frozen=True)
class SourceRow:
    """The grid above a feeder. Where the node belongs to another feeder, it stands for that feeder when this one is
    studied alone."""

    feeder: str
    node: str
    v_pu: float = 1.0


@dataclass(frozen=True)
class CongestionPointRow:
    code: str
    feeder: str
    limit_kw: float
    transformer: str | None = None
    branch: str | None = None


@dataclass(frozen=True)
class NetworkDocument:
    substations: list[SubstationRow] = field(default_factory=list)
    feeders: list[FeederRow] = field(default_factory=list)
    nodes: list[NodeRow] = field(default_factory=list)
    branches: list[BranchRow] = field(default_factory=list)
    transformers: list[TransformerRow] = field(default_factory=list)
    regulators: list[RegulatorRow] = field(default_factory=list)
    shunts: list[ShuntRow] = field(default_factory=list)
    sources: list[SourceRow] = field(default_factory=list)
    congestion_points: list[CongestionPointRow] = field(default_factory=list)


ROW_TYPES: dict[str, type[Any]] = {
    "substations": SubstationRow,
    "feeders": FeederRow,
    "nodes": NodeRow,
    "branches": BranchRow,
    "transformers": TransformerRow,
    "regulators": RegulatorRow,
    "shunts": ShuntRow,
    "sources": SourceRow,
    "congestion_points": CongestionPointRow,
}
