"""Names may be as long as their columns allow; what is kept under them stays apart."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bidding.grid import envelopes
from tests.apps.bidding.world import World
from tests.factories import make_congestion_point
from vpp.lib.names import within
from vpp.network.models import Node, OperatingEnvelope


def test_a_text_that_does_not_fit_keeps_its_beginning_and_a_digest_of_all():
    assert within("as it is", 40) == "as it is"
    one, other = within("n" * 90 + "1", 60), within("n" * 90 + "2", 60)
    assert len(one) == len(other) == 60 and one != other and one.startswith("n" * 35)


@pytest.mark.django_db
def test_a_feeder_with_a_long_name_gets_a_new_envelope_when_it_is_switched(world: World, monkeypatch):
    feeder = make_congestion_point().feeder
    feeder.code = "f" * 80
    feeder.save()
    Node.objects.create(code="n", feeder=feeder, nominal_kv=0.4)
    known = SimpleNamespace(
        run_key=f"forecast:{'z' * 40}:2016-07-14:feeder:{feeder.code}:v1", feeder=feeder, power_limits=[], topologies=[]
    )
    monkeypatch.setattr(envelopes, "feeder_day", lambda *args, **options: known)
    monkeypatch.setattr(envelopes, "_calculate", lambda *args: ([], *(world.day.starts64()[:0].astype(float),) * 2))
    keys = []
    for versions in ("@1", "@2", "@2"):
        monkeypatch.setattr(envelopes, "version_names", lambda states, versions=versions: feeder.code + versions)
        found = envelopes.ensure_envelope(feeder.code, world.day, world.at)
        assert found is not None
        keys.append(found.natural_key)
    assert len(set(keys)) == 2 and keys[1] == keys[2] and max(map(len, keys)) <= 200
    assert OperatingEnvelope.objects.count() == 2
