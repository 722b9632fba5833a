"""An ask belongs to the market of the zone that its feeder lies in, whatever other zones the house has markets in."""

from __future__ import annotations

import pytest

from bidding.distribution.answering import answer_feeder
from bidding.distribution.venues import distribution_market
from bidding.errors import UnknownMarket
from bidding.grid import answers, awareness
from bidding.models import Ask, Bid, Market, Product
from tests.apps.bidding.test_api import API, body, post
from tests.apps.bidding.world import World, client_of
from tests.factories import make_congestion_point, make_site
from vpp.accounts.models import Participant
from vpp.enrollment.models import Site
from vpp.lib import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def british(world: World) -> Market:
    """A distribution market of another zone and clock, first by its code."""
    market, product = Market.objects.get(code="FLEX"), Product.objects.get(code="ASK")
    market.pk, market.code, market.zone_code, market.time_zone = None, "ASKS-GB", "GB", "Europe/London"
    market.save(force_insert=True)
    product.pk, product.market, product.price_cap = None, market, 777.0
    product.save(force_insert=True)
    clock.set_simulated(world.at)
    return market


def headers(utility: Participant) -> dict[str, str]:
    return client_of(utility, "read", "asks:write")[1]


def test_an_ask_is_of_the_clock_of_its_feeders_zone(client, world, british):
    assert post(client, "/asks", body(world), headers(world.utility)).status_code == 201
    assert Ask.objects.get().time_zone == "Europe/Berlin"
    point = make_congestion_point()
    make_site(feeder_code=point.feeder.code, zone_code="GB", time_zone="Europe/London")
    abroad = body(world, congestion_point=point.code)
    assert post(client, "/asks", abroad, headers(point.utility)).status_code == 201
    assert Ask.objects.get(congestion_point=point).time_zone == "Europe/London"
    beside = make_congestion_point(utility=point.utility)
    assert distribution_market(beside.feeder.code) == british, "as the utility's other feeders"


def test_a_feeder_whose_zone_is_unknown_is_refused_where_it_could_be_either(client, world, british):
    point = make_congestion_point()
    answer = post(client, "/asks", body(world, congestion_point=point.code), headers(point.utility))
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_market")
    make_site(feeder_code=point.feeder.code, zone_code="FR")
    with pytest.raises(UnknownMarket, match="zone FR"):
        distribution_market(point.feeder.code)
    Market.objects.exclude(pk=british.pk).filter(kind=Market.Kind.DISTRIBUTION).update(kind=Market.Kind.WHOLESALE)
    assert distribution_market(make_congestion_point().feeder.code) == british, "the only one there is"


def test_a_portfolio_of_another_clock_behind_the_feeder_gives_no_answer(world, british):
    Site.objects.filter(feeder_code=world.point.feeder.code).update(zone_code="GB")
    ask = world.ask()
    answers = answer_feeder(feeder_code=world.point.feeder.code, delivery_date=world.day.date, at=world.at)
    assert not Bid.objects.filter(ask=ask).exists()
    assert any("Europe/London" in finding for finding in answers.findings)


def test_the_desk_of_the_utility_reads_the_day_of_its_feeders_zone(client, world, british, monkeypatch):
    seen = []
    monkeypatch.setattr(awareness, "feeder_awareness", lambda code, day, at: seen.append(day))
    monkeypatch.setattr(answers, "awareness_answer", lambda found: {})
    url, asked = f"{API}/grid/{world.point.feeder.code}/awareness", {"date": "2016-07-14"}
    for zone in ("DE", "GB"):
        Site.objects.filter(feeder_code=world.point.feeder.code).update(zone_code=zone)
        assert client.get(url, asked, headers=headers(world.utility)).status_code == 200
    assert [day.zone for day in seen] == ["Europe/Berlin", "Europe/London"]
