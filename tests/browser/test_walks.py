"""Whole errands in a real browser: a day of staff, a utility's ask, an owner's month."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
import requests

from bidding.models import Ask, AskEvent, Bid
from bidding.operations.bids import create_bid
from bidding.operations.book import open_book
from bidding.operations.drafts import BidDraft
from tests.apps.console.makers import every_page
from tests.browser.conftest import Site
from tests.factories import make_client
from tests.journeys.usecase_world import DAY, EVENING, FEEDER, NOON, FeederWorld, make_feeder_world
from vpp.enrollment.models import OwnerTerms
from vpp.lib import clock
from vpp.lib.periods import DeliveryDay


def test_staff_follow_a_day_from_the_ask_to_the_payout(visit, site: Site):
    staff = visit()
    staff.log_in("staff")
    staff.reads("Alarms", "Gates ahead", site.world.portfolio.code)
    staff.check()
    staff.follow("Asks", exact=True)
    staff.follow(site.world.ask.reference)
    staff.reads("Every step", "From ask to payout", "committed")
    staff.page.wait_for_selector(".chart .main-svg")
    staff.check()
    staff.follow(f"The whole day of {site.world.portfolio.code}")
    staff.reads("Bids and awards", "kWh", "CEST")
    staff.page.go_back()
    staff.follow("how it was settled")
    staff.reads("Baseline")
    staff.page.go_back()
    staff.follow("back to the readings")
    staff.reads("Readings", "EUR")
    staff.check()


def test_today_shows_what_happened_without_a_reload(visit, site: Site):
    from tests.apps.console.makers import make_dead_job

    staff = visit("staff")
    staff.open("/")
    assert "given up" not in staff.page.inner_text("#alarms-list, #live-alarms")
    job = make_dead_job(site.world.after)
    staff.page.wait_for_selector("text=1 job given up", timeout=6500)
    job.delete()


def test_a_reading_shows_on_its_device_page_as_it_comes(visit, site: Site):
    device, now = site.world.devices[0], site.world.after
    staff = visit("staff")
    staff.open(f"/fleet/device/{device.code}/")
    assert "0.77\u00a0kW" not in staff.page.inner_text("#live-figures")
    _, token = make_client(scopes=("telemetry:write",))
    row: dict[str, str | float] = {"device": device.code, "time": now.isoformat(), "power_kw": 0.77}
    answer = requests.post(
        f"{site.url}/api/v1/telemetry/readings",
        json={"readings": [row]},
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert answer.json()["accepted"] == 1, answer.text
    staff.page.wait_for_selector("#live-figures >> text=0.77", timeout=15_000)


def test_a_utility_asks_orders_and_reads_its_report(visit, site: Site, tomorrow):
    planner = visit()
    planner.log_in("planner")
    planner.follow("New ask")
    day_before = tomorrow - timedelta(days=1)
    for name, value in {
        "reference": "BROWSER-1", "delivery_date": tomorrow.isoformat(), "begins": "17:00", "ends": "18:00",
        "quantity": "80", "ceiling_price": "250", "gate": f"{day_before}T12:00", "expires": f"{day_before}T14:00",
    }.items():  # fmt: skip
        planner.page.fill(f"[name={name}]", value)
    planner.check()
    planner.press("Send the ask")
    planner.reads("Ask BROWSER-1 is with the aggregator", "80")
    bid_on("BROWSER-1", site)
    approver = visit("approver")
    approver.open("/asks/BROWSER-1/")
    approver.follow("Decline the bid…")
    approver.page.fill("[name=reason]", "the line is back")
    approver.press("Decline the bid")
    approver.reads("The bid is declined")
    approver.follow("Reports")
    approver.reads(site.world.ask.reference, "kWh")
    approver.check()


def bid_on(reference: str, site: Site) -> None:
    """Our answer to the ask, as the bidding room writes it."""
    ask = Ask.objects.get(reference=reference)
    Ask.objects.filter(pk=ask.pk).update(state=Ask.State.BID)
    AskEvent.objects.create(ask=ask, at=clock.now(), state=Ask.State.BID)
    first = Bid.objects.get(ask=site.world.ask)
    nothing = [0.0] * len(ask.quantity_kw)
    Bid.objects.create(
        natural_key=reference, portfolio=first.portfolio, product=first.product, ask=ask, up_kw=ask.quantity_kw,
        delivery_date=ask.delivery_date, state=Bid.State.SUBMITTED, down_kw=nothing, created_at=clock.now(),
        price_per_mwh=[100.0] * len(nothing), submitted_at=clock.now(),
    )  # fmt: skip


def test_an_owner_opts_a_device_out_and_reads_what_it_earned(visit, site: Site):
    owner = visit(width=390)
    owner.log_in("owner")
    owner.reads("EUR")
    owner.check()
    owner.follow("Devices", exact=True)
    device = next(one for one in site.world.devices if one.site.owner == site.users["owner"].participant)
    owner.follow(device.code)
    owner.check()
    owner.follow("Opt out…")
    owner.page.fill("[name=reason]", "guests")
    owner.press("Opt out")
    owner.reads("opted out")
    assert OwnerTerms.objects.get(device=device, period__contains=clock.now()).opted_out


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_runs_off_a_screen(visit, site: Site, width):
    """The page itself never scrolls sideways; wide tables do so inside their own frame."""
    staff = visit("staff", width=width)
    for path in every_page(site.world):
        page = staff.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_admin_does_not_run_off_a_telephone(visit, site: Site):
    """Its lists scroll inside their own frame too."""
    page = visit("staff", width=390).page
    for path in ("/admin/accounts/auditevent/", "/admin/accounts/user/add/"):
        page.goto(site.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


@pytest.mark.django_db
def test_the_served_day_is_a_settled_one(site: Site):
    """Also what makes pytest-django set a database up where only this folder is run."""
    assert site.world.run is not None
    assert site.world.run.payouts > 0


@pytest.fixture
def tomorrows_bid(site: Site) -> Bid:
    """A market bid in the book that waits for its gate: 20 kW more consumption from 10 to 12."""
    first = Bid.objects.filter(ask=None, product__kind="ENERGY").earliest("pk")
    day, none = DeliveryDay(site.world.day.date + timedelta(days=3), site.world.day.zone), [0.0] * 96
    open_book(portfolio_id=first.portfolio_id, day=day, up_kw=np.full(96, 100.0), down_kw=np.full(96, 100.0))
    down_kw = [0.0] * 40 + [20.0] * 8 + [0.0] * 48
    draft = BidDraft(first.portfolio, first.product, day, up_kw=none, down_kw=down_kw, price_per_mwh=[50.0] * 96)
    return create_bid(draft, at=clock.now())


def test_a_trader_holds_changes_and_releases_tomorrows_bid(visit, tomorrows_bid: Bid):
    """Each with a reason, each in the trail; the changed price is on the page and in the next version."""
    staff = visit("staff")
    staff.open(f"/bids/{tomorrows_bid.portfolio.code}/{tomorrows_bid.delivery_date}/")
    staff.check()
    staff.follow("Hold…")
    staff.page.fill("[name=reason]", "the price may jump")
    staff.press("Hold the bid")
    staff.reads("The bid is held", "held by an operator")
    staff.follow("Change…")
    staff.page.wait_for_selector(".chart .main-svg")
    staff.check()
    for name, value in {"begins": "10:00", "ends": "11:00", "price": "45", "reason": "a dearer hour"}.items():
        staff.page.fill(f"[name={name}]", value)
    staff.press("Change the bid")
    staff.reads("The bid is changed; version 2 is in force", "version 2", "45.00 to 50.00")
    staff.follow("Release…")
    staff.page.fill("[name=reason]", "all clear")
    staff.press("Release the bid")
    staff.reads("The bid is released")
    changed = Bid.objects.get(delivery_date=tomorrows_bid.delivery_date, version=2)
    assert changed.price_per_mwh[40:48] == [45.0] * 4 + [50.0] * 4
    assert changed.down_kw == tomorrows_bid.down_kw
    staff.open("/system/audit/?action=bid.")
    staff.reads("the price may jump", "a dearer hour", "all clear")
    staff.check()


@pytest.fixture
def street(site: Site) -> FeederWorld:
    """SimBench's rural street with an overload in the evening; it stays until the folder is done."""
    made = make_feeder_world()
    made.forecast(made.flat(4.0, evening=(EVENING, 13.0), noon=(NOON, -13.5)))
    return made


def test_the_drawing_of_a_feeder_follows_its_slider(visit, street: FeederWorld):
    from vpp.jobs import operations as jobs

    staff = visit("staff")
    page = staff.open(f"/grid/{FEEDER}/?date={DAY.date}")
    staff.reads("is being calculated")
    staff.check()
    jobs.run_pending()
    page.wait_for_selector(".chart .main-svg")  # the page comes again by itself
    staff.check()
    for interval, tone in ((0, "calm"), (EVENING.start, "over")):
        page.locator("#interval").fill(str(interval))
        assert page.inner_text("[data-grid-label]") == DAY.local_labels()[interval]
        assert tone in page.get_attribute(".feeder .transformer", "class").split()
    assert "%" in page.inner_text("[data-grid-low]")
    staff.follow("Its devices")
    staff.reads(f"Devices of {FEEDER}", "Node by node")
    staff.check()
    staff.page.locator("svg.feeder a").first.click()
    staff.page.wait_for_load_state()
    staff.reads("Matching devices: 4.")


def test_thousands_of_devices_are_suspended_before_ones_eyes(visit, site: Site, monkeypatch):
    from vpp.console.views import device_changes
    from vpp.jobs import operations as jobs

    monkeypatch.setattr(device_changes, "AT_ONCE", 0)
    staff = visit("staff")
    staff.open(f"/fleet/?portfolio={site.world.portfolio.code}&kind=PV")
    staff.follow("Suspend all")
    staff.page.fill("[name=reason]", "storm")
    staff.press("Suspend")
    staff.reads("How far it is", "0 / ")
    staff.check()
    jobs.run_pending()
    staff.page.wait_for_selector("#live-state >> text=done", timeout=5000)
    assert "0 / " not in staff.page.inner_text("#live-progress")
    staff.open(f"/fleet/?portfolio={site.world.portfolio.code}&kind=PV")
    staff.follow("Resume all")
    staff.page.fill("[name=reason]", "over")
    staff.press("Resume")
    jobs.run_pending()
