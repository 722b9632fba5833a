"""The what-if question through its two doors: the command and the API."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.apps.bidding.world import aggregator_headers, client_of
from tests.factories import make_participant
from tests.kernels.bidding.whatif_cases import battery_day

URL = "/api/v1/what-if"


def test_the_command_prints_the_answer_or_writes_it(tmp_path):
    file, out = tmp_path / "day.json", tmp_path / "answer.json"
    file.write_text(json.dumps(battery_day("negative")))
    screen, summary = StringIO(), StringIO()
    call_command("optimise", str(file), stdout=screen)
    call_command("optimise", str(file), "--full", "--json", str(out), stdout=summary)
    shown, written = json.loads(screen.getvalue()), json.loads(out.read_text())
    assert shown["objective"] == pytest.approx(written["objective"]) and shown["status"] == "optimal"
    assert {"objective", "bound", "gap", "seconds", "energy", "reserves", "storages", "shortfalls"} <= written.keys()
    assert "optimal: objective" in summary.getvalue()


def test_the_command_names_what_is_wrong_with_a_file(tmp_path):
    file, errors = tmp_path / "day.json", StringIO()
    file.write_text(json.dumps(battery_day("fee") | {"colour": 1}))
    with pytest.raises(CommandError, match="1 findings"):
        call_command("optimise", str(file), stderr=errors)
    assert "colour: unknown key" in errors.getvalue()
    file.write_text("{")
    with pytest.raises(CommandError, match="not JSON"):
        call_command("optimise", str(file))
    with pytest.raises(CommandError, match="No such file"):
        call_command("optimise", str(tmp_path / "none.json"))


@pytest.mark.django_db
def test_the_api_answers_the_aggregator_only(client):
    headers = aggregator_headers()
    answer = client.post(URL, battery_day("positive"), content_type="application/json", headers=headers)
    assert answer.status_code == 200 and answer.json()["status"] == "optimal"
    bad = battery_day("positive") | {"colour": 1}
    refused = client.post(URL, bad, content_type="application/json", headers=headers)
    assert refused.status_code == 422 and refused.json()["code"] == "bad_what_if"
    assert refused.json()["details"]["findings"] == ["colour: unknown key"]
    _, utility = client_of(make_participant(kind="UTILITY"), "read")
    assert client.post(URL, bad, content_type="application/json", headers=utility).status_code == 403
