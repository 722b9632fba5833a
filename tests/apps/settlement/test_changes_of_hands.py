"""A day is paid to whoever owned the site when it began, whenever it is settled and settled again."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from tests.apps.settlement.makers import SUMMER, after, at_intervals, meter
from tests.apps.settlement.test_settle_day import EVENING, settle, sold_evening
from tests.factories import make_client, make_contract, make_participant, make_site
from vpp.enrollment.handover import hand_over
from vpp.enrollment.models import Handover, Site
from vpp.enrollment.onboarding import StepRefused
from vpp.enrollment.ownership import owners_of
from vpp.lib.periods import DeliveryDay
from vpp.settlement import operations, queries
from vpp.settlement.models import Payout
from vpp.settlement.queries.trace import trace_payout

pytestmark = pytest.mark.django_db
DAY = DeliveryDay(SUMMER, "Europe/Berlin")


def sold(site: Site, since, at) -> tuple:
    """(seller, buyer) of the site; the buyer gets 10 % less."""
    seller, buyer = site.owner, make_participant()
    make_contract(buyer, owner_share_pu="0.6")
    hand_over(site, buyer, since=since, at=at, actor="test")
    return seller, buyer


def paid(run) -> dict[int, Decimal]:
    return dict(Payout.objects.filter(run=run).values_list("owner_id", "total"))


def test_a_restatement_pays_the_owner_of_the_day():
    portfolio, _, devices = sold_evening()
    settle(portfolio)
    later = after(SUMMER) + timedelta(days=2)
    seller, buyer = sold(devices[0].site, DAY.end, later - timedelta(hours=1))
    meter(devices[0], SUMMER, at_intervals(dict.fromkeys(EVENING, -290.0)), at=later, correction=True)
    (run,) = operations.restate_changed(at=later + timedelta(hours=1))
    assert paid(run).keys() == {seller.pk, devices[1].site.owner_id}
    assert queries.trial_balance() == {"EUR": 0}
    payout = Payout.objects.get(run=run, owner=seller)
    chain = trace_payout(make_client()[0], payout.pk)
    assert [part["device"] for part in chain["devices"]] == [devices[0].code]
    assert operations.restate_changed(at=later + timedelta(hours=2)) == []


def test_a_day_settled_for_the_first_time_after_a_change_of_hands_is_the_former_owners():
    portfolio, _, devices = sold_evening()
    seller, buyer = sold(devices[0].site, DAY.start + timedelta(hours=10), after(SUMMER))
    run = settle(portfolio, at=after(SUMMER) + timedelta(hours=1))
    assert paid(run)[seller.pk] == Decimal("8.40") and buyer.pk not in paid(run)


def test_a_change_of_hands_told_late_restates_its_days_and_an_old_run_comes_out_as_it_was():
    portfolio, _, devices = sold_evening()
    first = settle(portfolio)
    later = after(SUMMER) + timedelta(days=2)
    seller, buyer = sold(devices[0].site, DAY.start, later)
    (run,) = operations.restate_changed(at=later + timedelta(hours=1))
    assert paid(run) == {buyer.pk: Decimal("7.20"), devices[1].site.owner_id: Decimal("2.00")}
    assert operations.verify_run(first) == first.checksum
    told = operations.make_statements(first=SUMMER, last=SUMMER, at=later + timedelta(hours=2))
    assert {one.owner_id: one.total for one in told} == paid(run) and queries.trial_balance() == {"EUR": 0}


def test_the_newest_word_on_a_day_holds(at):
    site = make_site()
    anna, bert = site.owner, make_participant()
    days = [at - timedelta(days=back) for back in (9, 7, 5, 1)]

    def whose(moment, known_at=at):
        return owners_of([site.pk], moment, known_at=known_at)[site.pk]

    hand_over(site, bert, since=days[1], at=at - timedelta(hours=3), actor="test")
    hand_over(site, bert, since=days[1], at=at - timedelta(hours=3), actor="test")  # a second click
    assert Handover.objects.count() == 1
    assert [whose(day) for day in days] == [anna.pk, bert.pk, bert.pk, bert.pk]
    with pytest.raises(StepRefused, match="already"):
        hand_over(site, bert, since=days[2], at=at, actor="test")
    hand_over(site, anna, since=days[1], at=at - timedelta(hours=2), actor="test")  # it was later
    hand_over(site, bert, since=days[2], at=at - timedelta(hours=1), actor="test")
    assert [whose(day) for day in days] == [anna.pk, anna.pk, bert.pk, bert.pk]
    assert whose(days[1], at - timedelta(hours=3)) == bert.pk and whose(days[3], days[3]) == anna.pk
    assert Site.objects.get(pk=site.pk).owner == bert
    with pytest.raises(StepRefused, match="once it has happened"):
        hand_over(site, anna, since=at + timedelta(days=1), at=at, actor="test")


@pytest.mark.parametrize("sql", [
    "UPDATE enrollment_site SET owner_id = {bert} WHERE id = {site}",
    "UPDATE enrollment_handover SET since = since - interval '1 day'",
    "DELETE FROM enrollment_handover",
    "INSERT INTO enrollment_handover (site_id, former_owner_id, owner_id, since, recorded_at)"
    " VALUES ({site}, {bert}, {anna}, '2016-01-01Z', '2016-01-02Z')",
    "INSERT INTO enrollment_handover (site_id, former_owner_id, owner_id, since, recorded_at)"
    " VALUES ({site}, {anna}, {bert}, '2016-01-01Z', '2016-01-02Z')",
])  # fmt: skip
def test_nothing_else_moves_an_owner(sql, at):
    site, bert = make_site(), make_participant()
    anna = site.owner
    hand_over(site, bert, since=at, at=at, actor="test")
    hand_over(site, anna, since=at, at=at, actor="test")
    sql = sql.format(site=site.pk, anna=anna.pk, bert=bert.pk)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_device_moves_between_sites_of_one_owner_only():
    _, _, devices = sold_evening()
    own = make_site(owner=devices[0].site.owner)
    type(devices[0]).objects.filter(pk=devices[0].pk).update(site=own)
    with pytest.raises(IntegrityError, match="change its owner"), transaction.atomic():
        type(devices[0]).objects.filter(pk=devices[0].pk).update(site=devices[1].site)


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_are_told_one_after_the_other(at):
    site, bert, cora = make_site(), make_participant(), make_participant()
    told, go = [], threading.Barrier(2)

    def tell(owner) -> None:
        held = Site.objects.get(pk=site.pk)
        go.wait(10)
        try:
            hand_over(held, owner, since=at, at=at, actor="test")
            told.append(owner.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=tell, args=(owner,)) for owner in (bert, cora)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(told) == [bert.pk, cora.pk]
    first, second = Handover.objects.order_by("pk")
    assert second.former_owner_id == first.owner_id
    assert Site.objects.get(pk=site.pk).owner_id == second.owner_id
