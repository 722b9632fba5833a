"""The device table, one device, suspending and opting out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from tests.apps.console.makers import chart_of, client_for, make_user, page
from tests.apps.dispatch.makers import make_setpoint
from vpp.accounts.models import AuditEvent, Participant, User
from vpp.console.queries import devices as table
from vpp.console.queries.devices import Filters, device_page, filters_of
from vpp.console.views import device_changes
from vpp.dispatch.models import ControlCycle, Shortfall
from vpp.enrollment.bulk_changes import change_devices, enqueue_change
from vpp.enrollment.models import Device, OwnerTerms
from vpp.enrollment.queries import device_table
from vpp.enrollment.suspension import resume_device, set_opt_out, suspend_device
from vpp.jobs import operations as jobs
from vpp.jobs.models import Job

pytestmark = pytest.mark.django_db


def principal():
    return make_user("reader", Participant.Kind.AGGREGATOR)


def client_in(role: str):
    user = make_user(role.lower(), Participant.Kind.AGGREGATOR)
    User.objects.filter(pk=user.pk).update(role=role)
    return client_for(user)


@pytest.mark.parametrize("sort", list(table.SORTS))
def test_pages_follow_each_other_without_gap_or_repeat(sort, world, monkeypatch):
    monkeypatch.setattr(table, "PAGE_SIZE", 4)
    reader, seen, after = principal(), [], ""
    while True:
        found = device_page(reader, Filters(sort=sort, after=after), world.after)
        seen += [row.code for row in found.rows]
        after = found.next_after
        if not after:
            break
    assert sorted(seen) == sorted(device.code for device in world.devices)
    assert found.count == len(world.devices)


def test_filters_are_answered_by_the_database(world):
    reader = principal()

    def codes(**asked: str) -> set[str]:
        return {row.code for row in device_page(reader, filters_of(asked), world.after).rows}

    every = {device.code for device in world.devices}
    assert codes(kind="PV") == {code for code in every if "-PV-" in code}
    assert codes(q="battery-3") == {code for code in every if code.endswith("BATTERY-3")}
    assert codes(portfolio=world.portfolio.code) == every == codes(kind="nonsense", sort="nonsense")
    assert codes(state="SILENT") == {world.devices[0].code}
    assert codes(state="SUSPENDED") == set()
    suspend_device(world.devices[0], at=world.after, actor="test")
    assert codes(state="SUSPENDED") == {world.devices[0].code} and codes(state="SILENT") == set()
    assert sum(len(codes(state=state)) for state in table.LABELS) == len(every)


def test_a_device_shows_its_day_and_what_it_earned(staff, world):
    device = world.devices[1]
    body = page(staff, f"/fleet/device/{device.code}/")
    drawn = {series["name"]: series["y"] for series in chart_of(body, "device-chart")["panels"][0]["series"]}
    assert drawn["setpoint"][72] == pytest.approx(-110.0 / 6, abs=1e-3)
    assert drawn["measured"][72] == pytest.approx(drawn["setpoint"][72], rel=0.2)
    assert "revenue it brought in" in body and "Reactive power asked" not in body
    page(staff, "/fleet/device/NONE/", 404)


def test_reactive_power_stands_beside_the_setpoints_of_a_device_that_was_asked_for_it(staff, world):
    start = world.day.starts()[20]
    make_setpoint(
        world.devices[1], world.portfolio, interval_start=start, target_kw=0.0, target_kvar=1.5, applied_kvar=1.25,
        released=True, issued_at=start, expires_at=start + timedelta(hours=1),
    )  # fmt: skip
    cycle = ControlCycle.objects.latest("pk")
    Shortfall.objects.create(
        portfolio=world.portfolio, cycle=cycle, interval_start=start, limit="RATING", shortfall_kw=0.0,
        shortfall_kvar=77.5, reason="of 80 kvar",
    )  # fmt: skip
    body = page(staff, f"/fleet/device/{world.devices[1].code}/")
    assert "Reactive power asked" in body and "1.50\u00a0kvar" in body and "1.25\u00a0kvar" in body
    assert "77.5\u00a0kvar" in page(staff, f"/day/{world.portfolio.code}/{world.day.date}/")


def test_an_operator_suspends_and_resumes_after_one_question(world):
    client, chosen = client_in("OPERATOR"), [device.code for device in world.devices[:3]]
    assert "Suspend: 3 devices?" in client.get("/fleet/change/suspend/", {"device": chosen}).content.decode()
    assert not Device.objects.exclude(suspended_at=None).exists()
    client.post("/fleet/change/suspend/", {"device": chosen, "reason": "firmware"})
    assert Device.objects.exclude(suspended_at=None).count() == 3
    event = AuditEvent.objects.filter(action="device.suspended").first()
    assert event is not None and event.actor == "user:operator" and event.reason == "firmware"
    body = client.post("/fleet/change/resume/", {"device": chosen[:2]}, follow=True).content.decode()
    assert "Resume: 2 of 2 devices changed" in body
    assert Device.objects.exclude(suspended_at=None).count() == 1


def test_a_viewer_can_look_but_not_suspend(world):
    client = client_in("VIEWER")
    body = page(client, f"/fleet/device/{world.devices[0].code}/")
    assert "Suspend…" not in body and "Opt out…" not in body
    assert client.post("/fleet/change/suspend/", {"device": world.devices[0].code}).status_code == 403
    assert client.post(f"/fleet/device/{world.devices[0].code}/opt-out/").status_code == 403


def test_suspending_twice_is_one_event(world):
    device = world.devices[0]
    assert suspend_device(device, at=world.after, actor="test")
    assert not suspend_device(device, at=world.after, actor="test")
    assert resume_device(device, at=world.after, actor="test")
    assert not resume_device(device, at=world.after, actor="test")
    assert AuditEvent.objects.filter(subject_key=str(device.pk), action__startswith="device.").count() == 2


def test_an_owner_opts_a_device_out_and_in_again(world):
    device = world.devices[1]
    client = client_for(make_user("owner", None, participant=device.site.owner))
    assert "Opt out…" in page(client, f"/fleet/device/{device.code}/")
    client.post(f"/fleet/device/{device.code}/opt-out/", {"reason": "guests"})
    after = world.after + timedelta(seconds=1)
    assert device_table(at=after, device_ids=[device.pk]).opted_out.tolist() == [True]
    assert device_table(at=world.after - timedelta(hours=1), device_ids=[device.pk]).opted_out.tolist() == [False]
    client.post(f"/fleet/device/{device.code}/opt-out/?again=1")
    assert device_table(at=after, device_ids=[device.pk]).opted_out.tolist() == [False]


def test_opting_out_keeps_the_other_terms_and_their_end(world):
    device, until = world.devices[2], world.after + timedelta(days=30)
    agreed = DateTimeTZRange(world.after - timedelta(days=9), until)
    OwnerTerms.objects.filter(device=device).delete()
    OwnerTerms.objects.create(device=device, period=agreed, reserve_floor_pu=0.3)
    assert set_opt_out(device, opted_out=True, at=world.after, actor="test")
    assert not set_opt_out(device, opted_out=True, at=world.after, actor="test")
    before, now = OwnerTerms.objects.filter(device=device).order_by("period")
    assert (before.opted_out, now.opted_out) == (False, True)
    assert before.period.upper == now.period.lower == world.after
    assert (now.reserve_floor_pu, now.period.upper) == (0.3, until)


def test_an_owner_sees_only_their_own_devices(world):
    mine, other = world.devices[0], world.devices[1]
    client = client_for(make_user("owner", None, participant=mine.site.owner))
    body = page(client, "/fleet/")
    assert mine.code in body and other.code not in body
    page(client, f"/fleet/device/{other.code}/", 404)
    page(client, f"/fleet/device/{other.code}/opt-out/", 404)
    assert client.post("/fleet/change/suspend/", {"device": mine.code}).status_code == 403


# --- thousands at once


def test_all_that_match_are_changed_by_a_job_with_a_row_for_each_refusal(world, monkeypatch):
    monkeypatch.setattr(device_changes, "AT_ONCE", 3)
    client, every = client_in("OPERATOR"), len(world.devices)
    suspend_device(world.devices[0], at=world.after, actor="test")
    url, asked = "/fleet/change/suspend/", {"all": "1", "portfolio": world.portfolio.code}
    body = client.get(url, asked).content.decode()
    assert f"Suspend: {every} devices?" in body and "changed by a job" in body
    answer = client.post(url, {**asked, "count": str(every), "reason": "storm"})
    job = Job.objects.get(kind="enrollment.change_devices", state=Job.State.PENDING)
    assert answer["Location"] == f"/fleet/changes/{job.pk}/"
    assert f"0 / {every}" in page(client, answer["Location"])
    assert Device.objects.exclude(suspended_at=None).count() == 1
    jobs.run_pending()
    assert Device.objects.exclude(suspended_at=None).count() == every
    body = page(client, answer["Location"])
    assert f"{every} / {every}" in body and "is suspended already" in body and world.devices[0].code in body
    trail = AuditEvent.objects.filter(action="device.suspended", actor="user:operator", reason="storm")
    assert trail.count() == every - 1
    assert "storm" in page(client, "/fleet/changes/")


def test_a_number_that_changed_meanwhile_is_asked_again(world):
    asked = {"all": "1", "portfolio": world.portfolio.code, "count": "1", "reason": "storm"}
    body = client_in("OPERATOR").post("/fleet/change/suspend/", asked).content.decode()
    assert "Meanwhile other devices match" in body and not Device.objects.exclude(suspended_at=None).exists()


def test_a_killed_change_goes_on_where_it_stopped(world, monkeypatch):
    monkeypatch.setattr("vpp.enrollment.bulk_changes.CHUNK", 2)
    ids = [device.pk for device in world.devices[:5]]
    job = enqueue_change("suspend", ids, at=world.after, actor="test", reason="")
    Job.objects.filter(pk=job.pk).update(result={"seen": 2, "changed": 1, "refused": [["X", "unknown_device"]]})
    done = change_devices(at=world.after, **job.payload)
    assert done == {"seen": 5, "changed": 4, "refused": [["X", "unknown_device"]]}
    assert Device.objects.exclude(suspended_at=None).count() == 3
    job.refresh_from_db()
    assert job.result == done


def test_a_meter_is_refused_and_left_out_unless_asked_for(staff, world):
    meter = Device.objects.create(
        code="M-1", site=world.devices[0].site, kind="METER", max_consumption_kw=9, max_production_kw=0
    )
    assert "M-1" not in page(staff, "/fleet/") and "M-1" in page(staff, "/fleet/?kind=ALL")
    job = enqueue_change("suspend", [meter.pk, 0], at=world.after, actor="test", reason="")
    done = change_devices(at=world.after, **job.payload)
    assert done["refused"] == [("M-1", "is_a_meter"), ("0", "unknown_device")]
