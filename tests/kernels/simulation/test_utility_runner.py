"""The simulated utility on a two-node feeder, against canned answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from vpp.network.kernels.document import (
    CongestionPointRow,
    FeederRow,
    NetworkDocument,
    NodeRow,
    SourceRow,
    SubstationRow,
    TransformerRow,
)
from vpp.simulation.client import Client, HttpRefused
from vpp.simulation.utility_runner import NoForecast, UtilityRunner

DAY = date(2016, 7, 14)


class CannedClient(Client):
    """Answers GETs from a table and keeps what was posted."""

    def __init__(self, load_kw: np.ndarray | None, bids: list[dict[str, Any]] | None = None) -> None:
        self.load_kw, self.bids = load_kw, bids or []
        self.posted: list[tuple[str, Any]] = []

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        if self.load_kw is None:
            raise HttpRefused("GET", path, 404, "no_forecast", "none")
        return {"nodes": [{"node": "LV", "mean_kw": self.load_kw.tolist()}]}

    def get_all(self, path: str, parameters: Mapping[str, str] | None = None) -> list[Any]:
        return self.bids if path.endswith("bids") else [{"id": 1}]

    def post(self, path: str, body: Any, *, idempotency_key: str = "") -> Any:
        self.posted.append((path, body))
        return body


def two_nodes(limit_kw: float = 150.0) -> NetworkDocument:
    return NetworkDocument(
        substations=[SubstationRow("S")],
        feeders=[FeederRow("F", "S", power_factor=1.0)],
        nodes=[NodeRow("MV", "F", 20.0), NodeRow("LV", "F", 0.4)],
        transformers=[TransformerRow("T", "F", "MV", "LV", 160.0, 20.0, 0.4, 4.0, 1.2)],
        sources=[SourceRow("F", "MV")],
        congestion_points=[CongestionPointRow("cp", "F", limit_kw, transformer="T")],
    )


def peak_of(kw: float) -> np.ndarray:
    return np.where(np.arange(96) // 8 == 9, kw, 40.0)


def test_an_overloaded_transformer_is_found_and_asked_for_in_its_hours() -> None:
    client = CannedClient(peak_of(170.0))
    utility = UtilityRunner(client, two_nodes())
    found = utility.find_congestion(["F"], DAY, most_kw=100.0)
    assert not found.tightened and found.need.direction == "UP"
    assert set(np.flatnonzero(found.need.quantity_kw)) == set(range(72, 80))
    assert 20.0 <= found.need.quantity_kw.max() <= 30.0
    moment = datetime(2016, 7, 13, 9, tzinfo=UTC)
    utility.ask(found, DAY, reference="a1", ceiling_price_per_mwh=200.0, gate_at=moment, expires_at=moment)
    path, body = client.posted[0]
    assert path == "/api/v1/asks" and body["congestion_point"] == "cp" and len(body["quantity_kw"]) == 96


def test_reverse_flow_asks_for_less_production() -> None:
    utility = UtilityRunner(CannedClient(-peak_of(170.0)), two_nodes())
    assert utility.find_congestion(["F"], DAY, most_kw=100.0).need.direction == "DOWN"


def test_without_a_violation_the_limit_is_tightened_and_that_is_said() -> None:
    found = UtilityRunner(CannedClient(peak_of(100.0)), two_nodes()).find_congestion(["F"], DAY, most_kw=8.0)
    assert found.tightened and "tightened" in str(found)
    assert found.limit_kw < 100.0 and 0.0 < found.need.quantity_kw.max() <= 8.0


def test_it_says_when_there_is_no_forecast() -> None:
    with pytest.raises(NoForecast):
        UtilityRunner(CannedClient(None), two_nodes()).find_congestion(["F"], DAY, most_kw=8.0)


def test_open_bids_are_accepted_and_others_left_alone() -> None:
    client = CannedClient(None, [{"id": 4, "state": "SUBMITTED"}, {"id": 5, "state": "EXPIRED"}])
    assert UtilityRunner(client, two_nodes()).accept_bids("a1") == [{"id": 1}]
    assert [path for path, _ in client.posted] == ["/api/v1/bids/4/accept"]
