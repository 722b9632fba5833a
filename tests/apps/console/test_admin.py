"""The admin: every model of every room is there, can be searched, never counts big tables, and keeps ledgers as they are."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse

from tests.apps.console.makers import World, make_user
from vpp.accounts.models import Participant

pytestmark = pytest.mark.django_db

ROOMS = (
    "accounts", "jobs", "enrollment", "network", "forecasting", "bidding", "dispatch", "settlement",
)  # fmt: skip
MODELS = sorted(
    (model for room in ROOMS for model in apps.get_app_config(room).get_models()), key=lambda m: m._meta.label
)
#: Written by the service alone; a trigger refuses most changes, and the admin does not offer them.
WRITTEN_BY_THE_SERVICE = {
    "accounts.AuditEvent", "jobs.Job", "jobs.ScheduleSlot", "jobs.IdempotencyKey", "bidding.Bid", "bidding.BidEvent",
    "bidding.Ask", "bidding.AskEvent", "bidding.Award", "bidding.Activation", "bidding.BookCell", "bidding.BookEntry",
    "bidding.NightlyRun", "bidding.NightlyStep", "bidding.PlannedDay", "dispatch.Plan", "dispatch.PlanDevice",
    "dispatch.Setpoint", "dispatch.ControlCycle", "dispatch.Shortfall", "dispatch.DeviceStatus",
    "settlement.SettlementRun", "settlement.Performance", "settlement.DevicePerformance", "settlement.LedgerAccount",
    "settlement.Journal", "settlement.JournalLine", "settlement.Payout", "forecasting.ForecastRun",
    "forecasting.Forecast",
}  # fmt: skip
#: Readings and their bookkeeping have keys of two columns or none to look at: the newest reading of each device and the
#: readings by device are what the admin shows of them.
OF_TELEMETRY = {"telemetry.Latest", "telemetry.MeteredDevice"}


def label(model) -> str:
    return model._meta.label


def registered():
    return [(model, model_admin) for model, model_admin in admin.site._registry.items()]


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_every_model_has_its_page(model):
    assert model in admin.site._registry


def test_readings_can_be_looked_at_by_device():
    assert {label(model) for model, _ in registered()} >= OF_TELEMETRY


def test_every_list_opens_and_can_be_searched_without_counting_a_table(staff: Client, world: World):
    counted, failed = [], []

    def watch(execute, sql, params, many, context):
        if "COUNT(" in sql.upper() and "LIMIT" not in sql.upper():
            counted.append(sql)
        return execute(sql, params, many, context)

    for model, model_admin in registered():
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        with connection.execute_wrapper(watch):
            answer = staff.get(url, {"q": "x"}).status_code
        if answer != 200:
            failed.append((label(model), answer))
        assert model_admin.show_full_result_count is False
    assert failed == []
    assert counted == []


def test_every_row_of_a_played_day_opens(staff: Client, world: World):
    failed = []
    for model, _ in registered():
        row = model._default_manager.order_by("pk").first()
        if row is None:
            continue
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
        if (status := staff.get(url).status_code) != 200:
            failed.append((url, status))
    assert failed == []


@pytest.mark.parametrize("name", sorted(WRITTEN_BY_THE_SERVICE))
def test_what_the_service_wrote_cannot_be_changed_here(name):
    model = apps.get_model(name)
    model_admin = admin.site._registry[model]
    request = RequestFactory().get("/")
    request.user = make_user("root", Participant.Kind.AGGREGATOR, admin=True)
    assert not model_admin.has_add_permission(request)
    assert not model_admin.has_change_permission(request)
    assert not model_admin.has_delete_permission(request)


def test_only_staff_get_in():
    from tests.apps.console.makers import client_for

    client = client_for(make_user("planner", Participant.Kind.UTILITY))
    assert client.get("/admin/").status_code == 302
