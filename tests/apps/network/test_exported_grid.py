"""An exported grid goes in through the same doors as a user's own files."""

import numpy as np
import pytest

from tests.factories import make_participant
from vpp.enrollment import operations as enrollment
from vpp.enrollment.models import Device, Portfolio, Site
from vpp.lib.periods import DeliveryDay
from vpp.network import operations, queries
from vpp.simulation.grids.profiles import DeviceProfiles
from vpp.simulation.grids.simbench_export import SMALL_GRID, export_grid

pytestmark = pytest.mark.django_db


def test_an_exported_grid_is_enrolled_and_screened(tmp_path, at):
    pytest.importorskip("simbench")
    exported = export_grid(SMALL_GRID, tmp_path)
    utility = make_participant(kind="UTILITY", code="dso")
    operations.import_network(tmp_path / "network.json", utility=utility, at=at)
    enrollment.import_folder(tmp_path, at=at)
    assert (Site.objects.count(), Device.objects.count()) == (exported.n_sites, exported.n_devices)
    assert Portfolio.objects.count() == exported.n_portfolios == 1
    day = DeliveryDay(at.date(), "Europe/Berlin")
    profiles = DeviceProfiles.load(tmp_path / "profiles.npz")
    start = day.starts64()[0]
    power_kw = dict(zip(profiles.codes, profiles.power_kw(start, start + np.timedelta64(1, "D")), strict=True))
    injections: dict[str, np.ndarray] = {}
    for code, node in Device.objects.exclude(kind="METER").values_list("code", "site__node_code"):
        injections[node] = injections.get(node, 0) + power_kw[code]
    result = operations.screen("LV1.101", injections, day.starts64(), at)
    assert result.safe
    assert 0 < result.transformer_loading_pu.max() < 1
    limits = queries.feeder_limits("LV1.101", day)
    assert limits.import_limit_kw[0] == pytest.approx(160 * 0.93)
