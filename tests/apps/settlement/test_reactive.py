"""Reactive power on a commit is paid for what the devices said that they gave."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from tests.apps.dispatch.makers import make_setpoint, order_kvar
from tests.apps.settlement.makers import SUMMER, make_plan
from tests.apps.settlement.test_settle_day import settle
from tests.factories import make_contract, make_device, make_portfolio
from vpp.accounts import operations as accounts
from vpp.lib.periods import DeliveryDay
from vpp.settlement import operations
from vpp.settlement.kernels.reactive import share_kvar
from vpp.settlement.models import DevicePerformance
from vpp.settlement.queries.report_views import report_view

DAY = DeliveryDay(SUMMER, "Europe/Berlin")
START = DAY.starts()[72]


@pytest.mark.django_db
def test_the_utility_sees_and_pays_what_was_given_and_the_deficiency_is_taken_off() -> None:
    devices = [make_device(max_consumption_kw=5000.0, max_production_kw=5000.0) for _ in range(2)]
    for device in devices:
        make_contract(device.site.owner)
    portfolio = make_portfolio(devices=devices)
    award = order_kvar(portfolio, DAY, dict.fromkeys(range(72, 76), -4000.0))
    make_plan(portfolio, {device: {} for device in devices})
    for device, applied in zip(devices, (-2000.0, -1500.0), strict=True):
        make_setpoint(
            device, portfolio, interval_start=START, target_kw=0.0, target_kvar=-2000.0, released=True,
            applied_kvar=applied, issued_at=START, answered_at=START, expires_at=START + timedelta(hours=1),
        )  # fmt: skip
    run = settle(portfolio)
    performance = run.performances.get()
    assert (str(performance.revenue), str(performance.penalty)) == ("14.00", "2.00"), "3.5 and 0.5 Mvarh at 4 EUR"
    assert performance.share == pytest.approx(0.875) and performance.committed_kwh == 0
    credits = DevicePerformance.objects.filter(run=run).order_by("device_id").values_list("credit", flat=True)
    assert [str(credit) for credit in credits] == ["8.00", "6.00"]
    assert operations.verify_run(run) == run.checksum
    ask = award.bid.ask
    _, token = accounts.create_client(participant=ask.utility, name="tests", scopes=["read"], at=DAY.end)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    url = f"/api/v1/performance-reports/{ask.reference}"
    (row,) = client.get(url).json()
    assert (row["ordered_kvar"][72], row["delivered_kvar"][72], row["delivered_kvar"][76]) == (-4000.0, -3500.0, 0.0)
    page = client.get(f"{url}?form=html").content.decode()
    assert "4.00 EUR/Mvarh" in page and "<th>Deficiency kvar</th>" in page and "<td>500.000</td>" in page
    lines = client.get(f"{url}?form=csv").content.decode().splitlines()
    assert lines[0].endswith("baseline_kvar,ordered_kvar,metered_kvar,delivered_kvar,deficiency_kvar")
    assert lines[1].endswith(",,4000.000,,3500.000,500.000") and len(lines) == 1 + 4 + 3


@pytest.mark.django_db
def test_an_order_that_no_device_was_asked_for_is_reported_in_kvar_and_as_unknown() -> None:
    portfolio = make_portfolio(devices=[make_device()])
    award = order_kvar(portfolio, DAY, dict.fromkeys(range(72, 76), -4.0))
    run = settle(portfolio)
    assert run.state == "DEGRADED" and {"finding": "no_nominated_devices"} in run.findings
    view = report_view(run.performances.get())
    assert (view.unit, view.most_kvar, view.ask) == ("kvar", 4.0, award.bid.ask.reference)
    assert [(one.start, one.ordered_kw, one.delivered_kw) for one in view.intervals] == [
        (start, 4.0, None) for start in DAY.starts()[72:76]
    ]
    assert dict(view.facts)["Price"].endswith("EUR/Mvarh")
    assert dict(view.facts)["Reactive power"].endswith(
        "no device was asked for it and it is not metered, nothing is due"
    )


POWER = st.floats(-100.0, 100.0)


@settings(max_examples=100, deadline=None)
@given(st.lists(POWER, min_size=1, max_size=4), st.lists(POWER, min_size=1, max_size=5))
def test_orders_of_one_feeder_never_count_more_together_than_was_given(orders, given_kvar) -> None:
    parts = share_kvar([np.array([kvar]) for kvar in orders], np.array(given_kvar)[:, None])
    net, delivered = sum(orders), sum(float(part.delivered_kvar[0]) for part in parts)
    for kvar, part in zip(orders, parts, strict=True):
        assert abs(part.delivered_kvar[0]) <= abs(kvar) + 1e-9
        assert (part.device_kvar >= 0.0).all()
    if net * sum(given_kvar) > 0.0:
        assert abs(delivered) <= abs(sum(given_kvar)) + 1e-6
    met = share_kvar([np.array([kvar]) for kvar in orders], np.array([[net]]))
    assert [float(part.delivered_kvar[0]) for part in met] == pytest.approx(orders, abs=1e-6)
