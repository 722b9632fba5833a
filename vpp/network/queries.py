"""Read-only questions about the grid: calculation models, limits, and which feeder supplies what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db.models import Max, Q, QuerySet, Sum

from vpp.lib.errors import NotFound
from vpp.network.models import (
    Branch,
    CongestionPoint,
    Feeder,
    Node,
    Regulator,
    Shunt,
    Source,
    TopologyVersion,
    Transformer,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from numpy.typing import NDArray

    from vpp.lib.periods import DeliveryDay
    from vpp.network.kernels.feeder import FeederModel
    from vpp.network.kernels.screening import PowerLimit


class UnknownFeeder(NotFound):
    code = "unknown_feeder"


@dataclass(frozen=True)
class FeederLimits:
    """What a feeder's head may carry per interval, (H,) kW, non-negative. Infinite where nothing is known."""

    feeder_code: str
    import_limit_kw: NDArray[np.float64]
    export_limit_kw: NDArray[np.float64]


def get_feeder(feeder_code: str) -> Feeder:
    """Raises UnknownFeeder."""
    feeder = Feeder.objects.filter(code=feeder_code).select_related("utility").first()
    if feeder is None:
        raise UnknownFeeder(f"there is no feeder {feeder_code!r}", feeder=feeder_code)
    return feeder


def node_positions(node_codes: Collection[str]) -> dict[str, tuple[float, float]]:
    """Latitude and longitude in degrees of those of the nodes whose place is known."""
    nodes = Node.objects.filter(code__in=set(node_codes)).values_list("code", "latitude_deg", "longitude_deg")
    return {code: (north, east) for code, north, east in nodes if north is not None and east is not None}


def feeder_limits(feeder_code: str, day: DeliveryDay) -> FeederLimits:
    """The smaller of the rating of the feeder's transformers (at its power factor) and the limit of a congestion point
    at its transformer or head; the same for every interval of the day and for both directions.

    A feeder that nobody has imported is unlimited.
    """
    limit_kw = np.inf
    feeder = Feeder.objects.filter(code=feeder_code).first()
    if feeder is not None:
        rated_kva = Transformer.objects.filter(feeder=feeder).aggregate(total=Sum("rated_kva"))["total"]
        heads = CongestionPoint.objects.filter(feeder=feeder, branch__isnull=True)
        own = heads.filter(Q(transformer__isnull=True) | Q(transformer__feeder=feeder))
        candidates = [rated_kva * feeder.power_factor] if rated_kva else []
        limit_kw = min([*candidates, *own.values_list("limit_kw", flat=True)], default=np.inf)
    series = np.full(day.n_intervals, float(limit_kw))
    return FeederLimits(feeder_code, series, series.copy())


def feeder_model(feeder_code: str) -> FeederModel:
    """The feeder with its transformers up to their high-voltage nodes. Raises UnknownFeeder."""
    return model_of(get_feeder(feeder_code))


def model_of(feeder: Feeder) -> FeederModel:
    """`feeder_model` of a feeder that is read already."""
    from vpp.network.kernels import document

    branches = [
        document.BranchRow(**row) for row in _rows(Branch, document.BranchRow, feeder, ("from_node", "to_node"))
    ]
    transformers = [
        document.TransformerRow(**row)
        for row in _rows(Transformer, document.TransformerRow, feeder, ("hv_node", "lv_node"))
    ]
    sources = [document.SourceRow(**row) for row in _rows(Source, document.SourceRow, feeder, ("node",))]
    touched = {code for row in branches for code in (row.from_node, row.to_node)}
    touched |= {code for row in transformers for code in (row.hv_node, row.lv_node)} | {row.node for row in sources}
    nodes = Node.objects.filter(Q(feeder=feeder) | Q(code__in=touched)).order_by("pk")
    fields = ("code", "feeder__code", "nominal_kv", "v_min_pu", "v_max_pu", "phases")
    return document.arrays(
        [document.NodeRow(*row) for row in nodes.values_list(*fields)],
        branches,
        transformers,
        sources,
        regulators=[
            document.RegulatorRow(**row) for row in _rows(Regulator, document.RegulatorRow, feeder, ("transformer",))
        ],
        shunts=[document.ShuntRow(**row) for row in _rows(Shunt, document.ShuntRow, feeder, ("node",))],
    )


def topology_at(feeder_code: str, moment: datetime) -> TopologyVersion | None:
    """The switching state in force at a moment; None before the first import was recorded."""
    states = TopologyVersion.objects.filter(feeder__code=feeder_code, valid_from__lte=moment)
    return states.order_by("-valid_from", "-version").first()


def grid_states(feeder_codes: Collection[str]) -> dict[str, tuple[object, ...]]:
    """Per feeder what is different once it is switched, imported anew or given other limits; not of unknown ones."""
    found: dict[str, tuple[object, ...]] = {}
    for rows in (
        TopologyVersion.objects.order_by().values_list("feeder__code").annotate(Max("pk")),
        CongestionPoint.objects.order_by("pk").values_list("feeder__code", "pk", "limit_kw"),
    ):
        for code, *state in rows.filter(feeder__code__in=feeder_codes):
            found[code] = (*found.get(code, ()), *state)
    return found


def _rows(model: Any, row_type: Any, feeder: Feeder, node_fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """Keyword arguments of the row type for every element of the feeder, with codes instead of ids."""
    names = list(row_type.__dataclass_fields__)
    columns = [f"{name}__code" if name in (*node_fields, "feeder") else name for name in names]
    found: QuerySet[Any] = model.objects.filter(feeder=feeder).order_by("pk")
    return [dict(zip(names, row, strict=True)) for row in found.values_list(*columns)]


def power_limits(feeder_code: str) -> list[PowerLimit]:
    """The agreed limits of the feeder's congestion points."""
    from vpp.network.kernels.screening import PowerLimit

    points = CongestionPoint.objects.filter(feeder__code=feeder_code).order_by("code")
    rows = points.values_list("code", "limit_kw", "transformer__code", "branch__code")
    return [PowerLimit(code, limit_kw, transformer or branch) for code, limit_kw, transformer, branch in rows]


def supplying_nodes(node_codes: set[str]) -> dict[str, str]:
    """For nodes of a lower feeder: the high-voltage node that the feeder hangs on. Others are left out."""
    feeder_of = dict(Node.objects.filter(code__in=node_codes).values_list("code", "feeder_id"))
    upper = dict(
        Transformer.objects.filter(feeder_id__in=set(feeder_of.values())).values_list("feeder_id", "hv_node__code")
    )
    return {code: upper[feeder_id] for code, feeder_id in feeder_of.items() if feeder_id in upper}
