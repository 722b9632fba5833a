"""Asks in full over REST: revisions, options, revocation, reactive power, recovery, answers at once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from bidding import operations
from bidding.distribution import ask_states
from bidding.distribution.answering import answer_feeder
from bidding.distribution.ask_states import expire_asks
from bidding.distribution.kernels.options import half_kw, least_activation_pu
from bidding.distribution.kernels.reactive import reactive_room_kvar
from bidding.errors import ActivationTooSmall, AwardDiffers, BidRevoked, StaleRevision, UnknownOption, WrongState
from bidding.models import Ask, Award, Bid, BookEntry
from bidding.operations.bids import move
from bidding.queries import book_check
from tests.apps.bidding.world import World, aggregator_headers, client_of
from vpp.enrollment.models import Device
from vpp.jobs import operations as jobs
from vpp.jobs.models import Webhook, WebhookDelivery
from vpp.lib import clock

API = "/api/v1"


def answer(world: World) -> list[Bid]:
    return answer_feeder(feeder_code=world.point.feeder.code, delivery_date=world.day.date, at=world.at).bids


def test_an_ask_is_answered_at_once_with_exclusive_options(world: World):
    world.ask()
    (bid,) = answer(world)
    whole, half = bid.options.order_by("pk")
    assert bid.state == "SUBMITTED"
    assert max(whole.up_kw) == 40.0
    assert max(half.up_kw) == 20.0
    assert half.price_per_mwh <= whole.price_per_mwh
    assert 0 < whole.min_activation_pu < 1
    assert Ask.objects.get().state == "BID"
    assert answer(world) == []


def test_the_job_of_a_played_day_leaves_the_ask_to_the_nightly_run(world: World):
    clock.set_simulated(world.at)
    world.ask()
    jobs.run_pending()
    assert Ask.objects.get().state == "ASKED"


def test_an_option_is_ordered_in_part_and_the_rest_is_free_again(world: World):
    world.ask()
    (bid,) = answer(world)
    award = operations.accept_bid(bid=bid, at=world.at, actor="t", option="B", activation_pu=Decimal("0.50"))
    assert max(award.up_kw) == 10.0
    assert award.ordered_option.price == (award.ordered_option.option.price / 2).quantize(Decimal("0.0001"))
    assert operations.accept_bid(bid=bid, at=world.at, actor="t") == award
    with pytest.raises(AwardDiffers):
        operations.accept_bid(bid=bid, at=world.at, actor="t", option="A")
    assert book_check(world.day.date) == []


def test_a_wrong_option_or_too_small_a_part_is_refused(world: World):
    world.ask()
    (bid,) = answer(world)
    with pytest.raises(UnknownOption):
        operations.accept_bid(bid=bid, at=world.at, actor="t", option="C")
    with pytest.raises(ActivationTooSmall):
        operations.accept_bid(bid=bid, at=world.at, actor="t", activation_pu=Decimal("0.01"))
    assert not Award.objects.exists()


def test_a_later_revision_takes_the_place_of_the_open_one(world: World):
    content = world.ask_content(reference="r")
    operations.receive_ask(utility=world.utility, content=content, at=world.at, actor="t")
    (bid,) = answer(world)
    later = type(content)(**(asdict(content) | {"revision": 2, "quantity_kw": [0.0] * 72 + [8.0] * 4 + [0.0] * 20}))
    ask, made = operations.receive_ask(utility=world.utility, content=later, at=world.at, actor="t")
    bid.refresh_from_db()
    assert (made, ask.revision, bid.state) == (True, 2, "WITHDRAWN")
    assert Ask.objects.get(revision=1).state == "SUPERSEDED"
    assert operations.receive_ask(utility=world.utility, content=content, at=world.at, actor="t")[1] is False
    (bid,) = answer(world)
    assert max(bid.up_kw) == 8.0
    operations.accept_bid(bid=bid, at=world.at, actor="t")
    third = type(content)(**(asdict(content) | {"revision": 3}))
    with pytest.raises(WrongState):
        operations.receive_ask(utility=world.utility, content=third, at=world.at, actor="t")


def test_a_revision_that_was_passed_over_is_stale(world: World):
    content = world.ask_content(reference="r", revision=3)
    operations.receive_ask(utility=world.utility, content=content, at=world.at, actor="t")
    earlier = type(content)(**(asdict(content) | {"revision": 2}))
    with pytest.raises(StaleRevision):
        operations.receive_ask(utility=world.utility, content=earlier, at=world.at, actor="t")


def test_a_revoked_bid_opens_the_ask_again_and_cannot_be_ordered(world: World, client):
    clock.set_simulated(world.at)
    world.ask()
    (bid,) = answer(world)
    url = f"{API}/bids/{bid.pk}/revoke"
    utility = client_of(world.utility, "read", "asks:write", "awards:write")[1]
    assert client.post(url, {}, content_type="application/json", headers=utility).status_code == 403
    staff = aggregator_headers("read", "awards:write")
    assert client.post(url, {}, content_type="application/json", headers=staff).status_code == 200
    assert Ask.objects.get().state == "ASKED"
    bid.refresh_from_db()
    with pytest.raises(BidRevoked):
        operations.accept_bid(bid=bid, at=world.at, actor="t")
    (again,) = answer(world)
    operations.accept_bid(bid=again, at=world.at, actor="t")
    with pytest.raises(WrongState):
        operations.revoke_bid(bid=again, at=world.at, actor="t")


def test_asks_one_after_the_other_share_the_energy(world: World):
    """What is bid already is a fixed input: all answers together can be delivered, full batteries at best."""
    energy_kwh = 0.0
    for first in (72, 76, 80):
        world.ask(quantity_kw=[0.0] * first + [400.0] * 4 + [0.0] * (92 - first))
        energy_kwh += sum(sum(bid.up_kw) / 4 for bid in answer(world))
    batteries_kwh, heat_pumps_kwh = 40 * 20.0 * 0.95, 10 * 2.0 * 3
    assert 0 < energy_kwh <= batteries_kwh + heat_pumps_kwh
    assert book_check(world.day.date) == []


def test_an_answer_says_what_was_promised_before_and_no_longer_fits(world: World):
    world.open_book(380.0)
    operations.submit_bid(operations.create_bid(world.draft(300.0), at=world.at), at=world.at)
    Device.objects.filter(kind="BATTERY").update(suspended_at=world.at)
    world.ask()
    found = answer_feeder(feeder_code=world.point.feeder.code, delivery_date=world.day.date, at=world.at).findings
    assert [one for one in found if "300.0 kW UP are promised in interval 0, the fleet has" in one], found


def test_reactive_power_is_bid_within_the_inverters_and_never_twice(world: World):
    room = float(reactive_room_kvar(np.full(40, 10.0), 1)[0])
    quantity_kvar = [0.0] * 72 + [150.0] * 4 + [0.0] * 20
    fields = {
        "power_kind": "REACTIVE",
        "quantity_kw": [0.0] * 96,
        "quantity_kvar": quantity_kvar,
        "service_kind": "VOLTAGE",
    }
    world.ask(**fields)
    (first,) = answer(world)
    assert first.options.get().kvar[72] == 150.0
    award = operations.accept_bid(bid=first, at=world.at, actor="t")
    assert award.ordered_option.option.kvar[72] == 150.0
    world.ask(**fields, direction="DOWN")
    (second,) = answer(world)
    assert 150.0 + abs(second.options.get().kvar[72]) <= room
    assert book_check(world.day.date) == []


def test_reactive_power_of_an_acknowledged_bid_is_not_offered_again(world: World):
    room = float(reactive_room_kvar(np.full(40, 10.0), 1)[0])
    fields = {
        "power_kind": "REACTIVE", "quantity_kw": [0.0] * 96, "quantity_kvar": [150.0] * 96, "service_kind": "VOLTAGE",
    }  # fmt: skip
    world.ask(**fields)
    (first,) = answer(world)
    move(first, Bid.State.ACKNOWLEDGED, at=world.at)
    world.ask(**fields, direction="DOWN")
    (second,) = answer(world)
    assert 150.0 + abs(second.options.get().kvar[0]) <= room


def test_an_ask_with_a_held_answer_is_neither_answered_again_nor_given_up(world: World):
    world.open_book(380.0)
    ask = world.ask()
    held = operations.create_bid(world.draft(40.0, product=world.ask_product, ask=ask), at=world.at)
    operations.hold_bid(bid=held, at=world.at, actor="t", reason="storm")
    assert answer(world) == []
    ask.refresh_from_db()
    assert ask.state == Ask.State.ASKED and Bid.objects.count() == 1


@pytest.mark.parametrize("state", [Bid.State.WITHDRAWN, Bid.State.EXPIRED])
def test_a_held_answer_ends_with_its_ask(client, world: World, state: str):
    world.open_book(380.0)
    ask = world.ask()
    Webhook.objects.create(participant=world.utility, url="https://dso.example/hook", events=[], created_at=world.at)
    held = operations.create_bid(world.draft(40.0, product=world.ask_product, ask=ask), at=world.at)
    operations.hold_bid(bid=held, at=world.at, actor="t", reason="storm")
    if state == Bid.State.WITHDRAWN:
        operations.withdraw_ask(ask=ask, at=world.at, actor="utility")
    else:
        expire_asks(at=ask.gate_at)
    held.refresh_from_db()
    assert held.state == state
    utility, headers = client_of(world.utility, "read")
    assert not Bid.objects.visible_to(utility).exists(), "nobody was sent it"
    assert client.get(f"{API}/asks/{ask.reference}", headers=headers).json()["bids"] == []
    told = WebhookDelivery.objects.values_list("event", flat=True)
    assert set(told) == {f"ask.{state.lower()}"}
    assert not BookEntry.objects.exclude(state=BookEntry.State.RELEASED).exists()


def test_an_ask_that_is_ordered_while_expiries_are_looked_at_is_left_alone(world: World, monkeypatch):
    first, other = world.ask(reference="one"), world.ask(reference="two")
    answer(world)
    expired = ask_states._expired

    def meanwhile(ask: Ask, **how) -> bool:
        if ask == first:
            operations.accept_bid(bid=Bid.objects.get(ask=first), at=world.at, actor="t")
        return expired(ask, **how)

    monkeypatch.setattr(ask_states, "_expired", meanwhile)
    assert expire_asks(at=max(first.expires_at, other.expires_at)) == 1
    assert set(Ask.objects.values_list("reference", "state")) == {("one", "COMMITTED"), ("two", "EXPIRED")}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"service_kind": "MAGIC"}, 422, "unknown_service_kind"),
        ({"power_kind": "REACTIVE"}, 422, "bad_ask"),
        ({"quantity_kvar": [1.0] * 96}, 422, "bad_ask"),
        ({"recovery_limit_kw": [1.0] * 5}, 422, "wrong_time_grid"),
        ({"recovery_limit_kw": [-1.0] * 96}, 422, "bad_quantity"),
        ({"delivery_date": "9999-12-31"}, 422, "bad_ask"),
        ({"delivery_date": "0001-01-01"}, 422, "bad_ask"),
        ({"ceiling_price_per_mwh": 1e9}, 422, "bad_ask"),
        ({"revision": 0}, 400, "invalid"),
        ({"power_kind": "IMAGINARY"}, 400, "invalid"),
    ],
)
def test_a_bad_field_gets_a_stable_code(client, world: World, change, status, code):
    headers = client_of(world.utility, "read", "asks:write")[1]
    clock.set_simulated(world.at)
    content = asdict(world.ask_content()) | change
    content.pop("contract"), content.pop("channel")
    body = {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in content.items()}
    got = client.post(f"{API}/asks", body, content_type="application/json", headers=headers)
    assert (got.status_code, got.json()["code"]) == (status, code)
    assert not Ask.objects.exists()


def test_a_recovery_rule_bounds_what_pays_the_answer_back(world: World):
    from bidding.distribution.recovery import within_recovery_rules
    from bidding.operations.gather import gather

    limits = [None] * 76 + [3.0] * 8 + [None] * 12
    ask = world.ask(recovery_limit_kw=limits)
    gathered = gather(
        portfolio=world.portfolio,
        day=world.day,
        products=[],
        asks={},
        ask_lot_kw=1.0,
        ask_min_kw=1.0,
        known_at=world.at,
    )
    room = within_recovery_rules(gathered.problem, [ask]).recovery_room()
    assert set(room.deficit_kw[76:84]) == {3.0}
    assert room.deficit_kw[90] > 3.0


def test_late_asks_end_by_themselves(world: World):
    world.ask()
    answer(world)
    clock.set_simulated(world.at + timedelta(hours=7))
    from bidding.actors import expire_late_asks

    expire_late_asks(at=clock.now(), ask_id=Ask.objects.get().pk)
    assert (Ask.objects.get().state, Bid.objects.get().state) == ("EXPIRED", "EXPIRED")


def test_halves_are_whole_lots_above_the_minimum():
    assert half_kw(np.array([0.0, 1.0, 5.0, 8.0]), 1.0, 1.0).tolist() == [0.0, 0.0, 2.0, 4.0]
    assert half_kw(np.array([8.0, 30.0]), 5.0, 10.0).tolist() == [0.0, 15.0]
    assert least_activation_pu(np.array([0.0, 8.0, 40.0]), 1.0) == 0.13
    assert least_activation_pu(np.zeros(3), 1.0) == 1.0
