"""The ledger leaves in other tools' forms; methods are tried on days without dispatch."""

import csv
import re
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from tests.apps.settlement.makers import SUMMER, after, meter
from tests.apps.settlement.test_settle_day import settle, sold_evening
from tests.factories import make_client, make_device, make_portfolio
from vpp.accounts.models import Participant
from vpp.enrollment.queries import device_table
from vpp.lib import clock
from vpp.settlement import operations, queries
from vpp.settlement.kernels.resettlement import due_date
from vpp.settlement.queries.resettlement import resettlement_dates
from vpp.settlement.queries.rules import NO_PINS, device_profiles

pytestmark = pytest.mark.django_db


def exported(form: str) -> str:
    out = StringIO()
    call_command("ledger", "--from", str(SUMMER), "--to", str(SUMMER), "--format", form, stdout=out)
    return out.getvalue()


def test_the_csv_balances_per_journal():
    settle(sold_evening(fees=("0.10", "0"))[0])
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in csv.DictReader(StringIO(exported("csv"))):
        sums[row["journal"]] += Decimal(row["amount"])
    assert len(sums) == 1
    assert set(sums.values()) == {Decimal(0)}


def test_the_beancount_file_opens_every_account_and_balances():
    settle(sold_evening()[0])
    text = exported("beancount")
    opened = set(re.findall(r"^\d{4}-\d\d-\d\d open (\S+)$", text, re.M))
    postings = re.findall(r"^  ([A-Z]\S+)  (-?\d+\.\d\d) EUR$", text, re.M)
    assert {account for account, _ in postings} == opened
    assert sum(Decimal(amount) for _, amount in postings) == 0
    assert all(re.fullmatch(r"(Assets|Liabilities|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+", name) for name in opened)


def test_a_steady_device_passes_the_gate_and_a_random_one_does_not(tmp_path):
    steady, random = make_device(kind="LOAD"), make_device(kind="LOAD")
    rng = np.random.default_rng(1)
    for back in range(1, 50):
        day = SUMMER - timedelta(days=back)
        meter(steady, day, 5.0 + 0.1 * rng.standard_normal())
        meter(random, day, rng.uniform(0.1, 9.9))
    options: dict[str, Any] = {"last_day": SUMMER - timedelta(days=1), "days": 10, "first_hour": 16, "last_hour": 20}
    fits = {fit.method: fit for fit in queries.certify_device(steady, as_of=after(SUMMER), **options)}
    assert fits["CAISO_10_IN_10"].passes
    assert fits["CAISO_10_IN_10"].events == 10
    fits = {fit.method: fit for fit in queries.certify_device(random, as_of=after(SUMMER), **options)}
    assert not fits["ENA_MID_8_OF_10"].passes
    clock.set_simulated(after(SUMMER))
    out = StringIO()
    page = tmp_path / "page.html"
    call_command("certify", steady.code, "--until", "2016-07-13", "--days", "10", "--html", str(page), stdout=out)
    assert "CAISO_10_IN_10" in out.getvalue()
    assert "<svg" in page.read_text() and "a method passes on the site" in page.read_text()
    with pytest.raises(CommandError, match="no device"):
        call_command("certify", "nowhere")


def test_a_failing_site_is_steered_to_its_portfolio_and_settled_by_what_was_adopted():
    # Two sites that swap a random share of 20 kW: alone they are noise, together they are steady.
    first, second = (make_device(kind="LOAD", max_consumption_kw=50.0) for _ in range(2))
    make_portfolio(devices=[first, second])
    rng = np.random.default_rng(1)
    for back in range(1, 50):
        day, part = SUMMER - timedelta(days=back), rng.uniform(1, 19, 96)
        meter(first, day, part)
        meter(second, day, 20.2 - part + 0.1 * rng.standard_normal(96))
    period: dict[str, Any] = {"last_day": SUMMER - timedelta(days=1), "days": 5, "at": after(SUMMER)}
    (made,) = operations.certify_devices([first], **period)
    assert (made.level, made.passes) == ("PORTFOLIO", False)
    assert made.best_profile is not None and "portfolio:" in made.reason
    site = [fit for fit in made.fits.all() if fit.level == "SITE"]
    assert {fit.events for fit in site} >= {5}
    assert sorted(fit.rank for fit in site) == list(range(1, len(site) + 1))
    assert len(site[0].placebo) == site[0].events
    table = device_table(at=after(SUMMER), device_ids=[first.pk, second.pk])
    operations.adopt_certification(made, valid_from=SUMMER, at=after(SUMMER))
    names = [profile.name for profile in device_profiles(table, SUMMER, NO_PINS)]
    assert names == [made.best_profile.name, "CAISO_10_IN_10"]


def test_a_site_that_nothing_fits_needs_a_control_group():
    device = make_device(kind="LOAD", max_consumption_kw=50.0)
    rng = np.random.default_rng(2)
    for back in range(1, 30):
        meter(device, SUMMER - timedelta(days=back), rng.uniform(0, 40, 96))
    (made,) = operations.certify_devices([device], last_day=SUMMER - timedelta(days=1), days=5, at=after(SUMMER))
    assert (made.level, made.best_profile) == ("CONTROL_GROUP", None)
    with pytest.raises(operations.NothingToAdopt, match="control group"):
        operations.adopt_certification(made, valid_from=SUMMER, at=after(SUMMER))
    aggregator, stranger = (make_client(kind=kind)[0] for kind in (Participant.Kind.AGGREGATOR, Participant.Kind.OWNER))
    (again,) = operations.certify_devices([device], last_day=SUMMER - timedelta(days=1), days=5, at=after(SUMMER))
    assert list(queries.certifications(aggregator)) == [again]
    assert list(queries.certifications(aggregator, newest=False)) == [again, made]
    assert list(queries.certifications(stranger)) == []


def test_a_markets_calendar_says_when_a_day_is_settled_again():
    due = {one.name: one.date.isoformat() for one in resettlement_dates("CAISO", SUMMER, "DE")}
    assert due["T+3B"] == "2016-07-19"  # Friday, Monday, Tuesday
    assert due["T+9M"] == "2017-04-14"
    newer = resettlement_dates("CAISO", date(2021, 8, 31))
    assert [one.name for one in newer] == ["T+9B", "T+70B", "T+11M", "T+21M", "T+24M"]
    assert (newer[2].date, newer[-1].disputable) == (date(2022, 7, 31), False)
    assert due_date(date(2016, 1, 31), 1, "MONTHS", frozenset()) == date(2016, 2, 29)
    assert due_date(date(2016, 12, 23), 1, "BUSINESS_DAYS", frozenset({date(2016, 12, 26)})) == date(2016, 12, 27)
