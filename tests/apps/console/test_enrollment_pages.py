"""A site on its way in: the wizard from owner to portfolio, files with a preview, eligibility."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from bidding.models import Product
from telemetry import operations as telemetry
from telemetry.kernels.batch import batch_of
from tests.apps.console.makers import page
from tests.factories import make_terms
from vpp.accounts.models import AuditEvent, Participant
from vpp.enrollment.models import Device, Enrollment, Prequalification, Site
from vpp.enrollment.onboarding import StepRefused, enroll_device
from vpp.lib import clock

pytestmark = pytest.mark.django_db

SITE = {
    "owner_code": "o-new", "owner_name": "New owner", "code": "s-new", "name": "New house", "zone_code": "DE",
    "time_zone": "Europe/Berlin", "feeder_code": "", "node_code": "", "import_limit_kw": "30", "export_limit_kw": "30",
}  # fmt: skip
CONTRACT = {
    "code": "c-new", "split_rule": "PRO_RATA_DELIVERED", "owner_share_pct": "72.5", "fee_per_event": "0",
    "floor_per_event": "0", "tariff_per_kwh": "0",
}  # fmt: skip
BATTERY = {
    "code": "s-new-1", "name": "Cellar", "kind": "BATTERY", "max_consumption_kw": "10", "max_production_kw": "10",
    "controllable": "on", "energy_capacity_kwh": "20", "charge_efficiency": "0.95", "discharge_efficiency": "0.95",
    "cost_per_kwh": "0.02", "min_on_minutes": "0", "min_off_minutes": "0", "reserve_floor_pct": "15", "notice_minutes": "0", "rest_minutes": "0",
}  # fmt: skip


def take(client, step: str, data: dict[str, str], status: int = 302) -> str:
    response = client.post(f"/enrollment/sites/s-new/?step={step}", data)
    assert response.status_code == status, response.content.decode()[:3000]
    return response.content.decode() if status != 302 else page(client, response["Location"])


def heard(at, code: str = "s-new-1") -> None:
    """Four hours of readings until now; in the last half hour 8 kW less than before."""
    steps = 16
    start = at - timedelta(seconds=at.timestamp() % 900) - steps * timedelta(minutes=15)
    times = np.array([int((start + row * timedelta(minutes=15)).timestamp() * 1e6) for row in range(steps)])
    power = np.where(np.arange(steps) >= steps - 2, -3.0, 5.0)
    batch = batch_of(codes=[code], device=np.zeros(steps, dtype=np.int32), time_us=times, power_kw=power)
    answer = telemetry.ingest(batch, at=at, principal=None, max_age_days=None)
    assert not answer.refused


def test_a_site_with_a_battery_comes_in_step_by_step(staff, world):
    at = world.after
    assert "Site s-new is registered" in staff.post("/enrollment/new/", SITE, follow=True).content.decode()
    assert "The consent is recorded" in take(
        staff, "consent", {"given_by": "N. Owner", "document": "v1", "agreed": "on"}
    )
    assert "Contract c-new holds" in take(staff, "contract", CONTRACT)
    assert "Meter s-new-meter is registered" in take(staff, "meter", {"code": "s-new-meter"})
    assert "Device s-new-1 is registered" in take(staff, "devices", BATTERY)
    device = Device.objects.get(code="s-new-1")
    assert device.terms.get().reserve_floor_pu == 0.15
    assert "0 of 96" in page(staff, "/enrollment/sites/s-new/?step=telemetry")
    heard(at)
    assert "16 of 96" in page(staff, "/enrollment/sites/s-new/?step=telemetry")
    assert 'name="asked_up_kw" value="10"' in page(staff, "/enrollment/sites/s-new/?step=test")
    start = (at - timedelta(minutes=30)).astimezone(world.day.start.tzinfo)
    local = f"{start + timedelta(hours=2):%Y-%m-%dT%H:%M}"  # CEST
    body = take(staff, "test", {"device": "s-new-1", "start": local, "minutes": "30", "asked_up_kw": "8"})
    assert "s-new-1 has passed: 8.0 kW delivered" in body
    zone_wide = world.portfolio.__class__.objects.create(code="PF-ALL", name="all", zone_code="DE", time_zone="UTC")
    assert "1 device is sold with PF-ALL" in take(staff, "portfolio", {"portfolio": "PF-ALL"})
    assert Enrollment.objects.get(device=device).portfolio == zone_wide
    told = set(AuditEvent.objects.filter(actor="user:ada").values_list("action", flat=True))
    assert {"owner.registered", "site.registered", "consent.given", "contract.agreed", "device.registered",
            "device.tested", "device.enrolled"} <= told  # fmt: skip
    body = page(staff, "/enrollment/?q=s-new")
    assert body.count('class="state good">yes') == 4


def test_what_is_wrong_is_told_where_it_was_typed(staff, world):
    staff.post("/enrollment/new/", SITE)
    assert "there is a site s-new already" in staff.post("/enrollment/new/", SITE).content.decode()
    assert "No IANA time zone" in staff.post("/enrollment/new/", SITE | {"time_zone": "Mars"}).content.decode()
    assert "needs a capacity" in take(staff, "devices", BATTERY | {"energy_capacity_kwh": ""}, 422)
    assert "Whole quarter hours" in judged(staff, minutes="20")
    assert "More or less than 0 kW" in judged(staff, asked_up_kw="0")
    assert "too few readings" in judged(staff)
    page(staff, "/enrollment/sites/s-new/?step=none", 404)
    page(staff, "/enrollment/sites/none/", 404)


def judged(client, **other: str) -> str:
    if not Device.objects.filter(code="s-new-1").exists():
        client.post("/enrollment/sites/s-new/?step=devices", BATTERY)
    data = {"device": "s-new-1", "start": "2016-07-14T12:00", "minutes": "30", "asked_up_kw": "8"} | other
    return take(client, "test", data, 422)


def test_a_failed_test_is_kept_and_closes_the_portfolio(staff, world):
    staff.post("/enrollment/new/", SITE)
    staff.post("/enrollment/sites/s-new/?step=devices", BATTERY)
    heard(world.after)
    start = f"{world.after - timedelta(minutes=30) + timedelta(hours=2):%Y-%m-%dT%H:%M}"
    assert "90% are wanted" in judged(staff, start=start, asked_up_kw="20")
    assert not Prequalification.objects.get().passed
    with pytest.raises(StepRefused) as refused:
        enroll_device(Device.objects.get(code="s-new-1"), world.portfolio, at=clock.now(), actor="test")
    assert len(refused.value.details["reasons"]) == 4  # feeder, consent, contract, test


def test_a_site_changes_hands_and_waits_for_its_new_owners_consent(staff, world):
    staff.post("/enrollment/new/", SITE)
    take(staff, "consent", {"given_by": "N. Owner", "document": "v1", "agreed": "on"})
    take(staff, "devices", BATTERY)
    sold = {"owner_code": "o-two", "owner_name": "Second owner", "first_day": f"{world.day.date}", "reason": "sold"}
    assert "once it has happened" in take(staff, "owner", sold | {"first_day": "2036-01-01"}, 422)
    assert not Participant.objects.filter(code="o-two").exists()  # nothing of a refused one stays
    assert "s-new is Second owner&#x27;s" in take(staff, "owner", sold)
    body = page(staff, "/enrollment/sites/s-new/?step=owner")
    assert "Second owner (o-two)" in body and '<td data-label="Before">New owner</td>' in body
    device = Device.objects.get(code="s-new-1")
    assert device.suspended_at == clock.now() and not device.site.consents.filter(withdrawn_at=None).exists()
    assert AuditEvent.objects.get(action="site.handed_over").reason == "sold"
    admin = page(staff, f"/admin/enrollment/site/{device.site_id}/change/")
    assert 'name="owner"' not in admin and 'name="zone_code"' in admin


FILES = {
    "owners.csv": "code,name\no-csv,Csv owner\n",
    "sites.csv": "code,name,owner,time_zone,zone,import_limit_kw,export_limit_kw\ns-csv,Csv house,o-csv,Europe/Berlin,DE,{limit},30\n",
}


def upload(client, limit: str) -> Any:
    files = [SimpleUploadedFile(name, text.format(limit=limit).encode()) for name, text in FILES.items()]
    return client.post("/enrollment/import/", {"files": files})


def sealed_of(body: str) -> str:
    return body.split('name="sealed" value="')[1].split('"')[0]


def test_files_are_looked_at_before_they_are_stored(staff, world):
    body = upload(staff, "30").content.decode()
    assert "What would change" in body and not Site.objects.filter(code="s-csv").exists()
    done = staff.post("/enrollment/import/", {"sealed": sealed_of(body)}, follow=True).content.decode()
    assert "sites: 1 (1 new)" in done and Site.objects.get(code="s-csv").import_limit_kw == 30.0
    body = upload(staff, "45").content.decode()
    assert "<td>30.0</td><td><b>45.0</b></td>" in body
    again = staff.post("/enrollment/import/", {"sealed": sealed_of(body) + "x"}, follow=True).content.decode()
    assert "was changed" in again and Site.objects.get(code="s-csv").import_limit_kw == 30.0


def test_every_faulty_row_is_named_and_nothing_can_be_stored(staff, world):
    response = upload(staff, "lots")
    assert response.status_code == 422
    body = response.content.decode()
    assert "import_limit_kw" in body and "lots" in body and 'name="sealed"' not in body
    wrong = staff.post("/enrollment/import/", {"files": [SimpleUploadedFile("../../etc.csv", b"a")]})
    assert wrong.status_code == 422 and b"is none of the tables" in wrong.content
    assert staff.post("/enrollment/import/", {}).status_code == 422


def test_eligibility_says_why_not(staff, world):
    body = page(staff, f"/enrollment/eligibility/?portfolio={world.portfolio.code}")
    assert "Day-ahead energy" in body and "yes" in body
    world.portfolio.__class__.objects.create(code="PF-EMPTY", name="empty", zone_code="XX", time_zone="UTC")
    body = page(staff, "/enrollment/eligibility/?portfolio=PF-EMPTY")
    assert "0 kW can be moved, at least 100 kW are wanted" in body and "the market is in zone DE" in body


def test_eligibility_names_the_devices_that_a_market_leaves_out(staff, world):
    Product.objects.update(eligible_kinds=["GENSET"])
    make_terms(world.devices[0], opted_out=True)
    body = page(staff, f"/enrollment/eligibility/?portfolio={world.portfolio.code}")
    assert "1 × cannot be controlled, is suspended or opted out" in body and world.devices[0].code in body
    assert "of a kind that the market does not admit" in body and world.devices[1].code in body
    assert "no device of the portfolio may take part" in body
    everyone = page(staff, "/enrollment/eligibility/")
    assert "of a kind that the market does not admit" not in everyone  # device by device for one portfolio only


def test_a_sites_first_readings_come_as_a_file(staff, world):
    device, other = world.devices[0], world.devices[1]
    url = f"/enrollment/sites/{device.site.code}/readings/"
    example = staff.get(f"{url}example/").content
    assert example.startswith(b"time,device,power_kw") and example.count(device.code.encode()) == 8
    sent = SimpleUploadedFile("readings.csv", example)
    assert "8 readings: 8 taken in, 0 refused" in staff.post(url, {"readings": sent}, follow=True).content.decode()
    foreign = SimpleUploadedFile("readings.csv", example.replace(device.code.encode(), other.code.encode()))
    body = staff.post(url, {"readings": foreign}, follow=True).content.decode()
    assert "is no device of this site" in body
    assert "Choose a CSV file" in staff.post(url, follow=True).content.decode()


def test_readings_as_a_spreadsheet_writes_them(staff, world):
    device = world.devices[0]
    url = f"/enrollment/sites/{device.site.code}/readings/"
    example = staff.get(f"{url}example/").content.decode().replace(".0\r\n", ".5\r\n")
    rows = [line.split(",") for line in example.splitlines()]
    german = "\ufeff" + "\r\n".join(";".join([*row[:-1], row[-1].replace(".", ",")]) for row in rows)
    sent = SimpleUploadedFile("Messung.csv", german.encode())
    assert "8 readings: 8 taken in, 0 refused" in staff.post(url, {"readings": sent}, follow=True).content.decode()
    broken = SimpleUploadedFile("Messung.csv", b"time,device,power_kw\n2016-07-14T00:00Z,M\xfcller,1\n")
    body = staff.post(url, {"readings": broken}, follow=True).content.decode()
    assert "Messung.csv: is not UTF-8 text; save it as" in body


def test_a_mistyped_owners_code_renames_nobody(staff, world):
    owner = world.devices[0].site.owner
    body = staff.post("/enrollment/new/", SITE | {"owner_code": owner.code}).content.decode()
    assert f"{owner.code} is the owner {owner.name}" in body and 'value="s-new"' in body
    owner.refresh_from_db()
    assert owner.name != SITE["owner_name"] and not Site.objects.filter(code="s-new").exists()
    known = SITE | {"owner_code": "o-other", "code": world.devices[0].site.code}
    assert "there is a site" in staff.post("/enrollment/new/", known).content.decode()
    assert not Participant.objects.filter(code="o-other").exists(), "no owner without the site"


@pytest.mark.parametrize(
    ("step", "data", "told"),
    [
        ("contract", CONTRACT | {"fee_per_event": "1000000000"}, "no more than 9 digits"),
        ("contract", CONTRACT | {"owner_share_pct": "72,3456"}, "no more than 2 decimal places"),
        ("devices", BATTERY | {"max_events_per_day": "1000000000"}, "less than or equal to 96"),
        ("devices", BATTERY | {"notice_minutes": "1000000000"}, "less than or equal to 1440"),
        ("devices", BATTERY | {"cost_per_kwh": "12345.6"}, "no more than 4 digits before"),
        ("devices", BATTERY | {"max_consumption_kw": "1.234,5"}, "can be read in two ways"),
    ],
)
def test_numbers_too_large_for_the_database_are_refused_at_their_field(staff, world, step, data, told):
    staff.post("/enrollment/new/", SITE)
    assert told in take(staff, step, data, status=422)


def test_a_file_that_is_no_table_is_named_and_none_is_taken_beside_it(staff):
    sent = [SimpleUploadedFile("owners.csv", b"code,name\nx,Y\n"), SimpleUploadedFile("Sites.xlsx", b"PK")]
    answer = staff.post("/enrollment/import/", {"files": sent})
    body = answer.content.decode()
    assert answer.status_code == 422 and "Sites.xlsx is none of the tables: owners.csv, sites.csv" in body
    assert "What would change" not in body
