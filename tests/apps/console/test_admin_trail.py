"""Changes in the admin stand in the audit trail, and what the database refuses is told there."""

import pytest
from django.contrib import admin

from tests.apps.console.makers import client_for, make_user
from tests.factories import make_client, make_participant, make_portfolio
from vpp.accounts.admin import ReadOnlyAdmin
from vpp.accounts.admin_trail import Audited
from vpp.accounts.models import AuditEvent, Participant, User
from vpp.settlement.models import BankAccount, SettlementRun

pytestmark = pytest.mark.django_db
OURS = ("vpp", "telemetry", "forecasting", "bidding")


@pytest.fixture
def staff(db):
    return client_for(make_user("ada", Participant.Kind.AGGREGATOR, admin=True))


def sent(client, url: str, **changed: str) -> dict[str, str]:
    """The fields of an admin form as it stands, with some of them changed."""
    form = client.get(url).context["adminform"].form
    fields = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in (fields | changed).items() if value not in (None, False, "")}


def test_every_admin_that_can_change_a_row_leaves_a_line():
    silent = {
        type(one).__name__
        for one in admin.site._registry.values()
        if type(one).__module__.split(".")[0] in OURS and not isinstance(one, Audited | ReadOnlyAdmin)
    }
    assert silent == set()


def test_a_role_that_is_given_and_a_scope_that_is_taken_are_in_the_trail(staff):
    user = make_user("bo", Participant.Kind.AGGREGATOR)
    url = f"/admin/accounts/user/{user.pk}/change/"
    data = sent(staff, url, role=User.Role.TRADER, date_joined_0="2016-01-01", date_joined_1="00:00:00")
    assert staff.post(url, data).status_code == 302
    line = AuditEvent.objects.get(action="user.changed")
    assert (line.actor, line.subject_key, line.after["role"]) == ("user:ada", str(user.pk), "TRADER")
    assert line.before["role"] == user.role
    machine, _ = make_client(scopes=("read", "asks:write"))
    url = f"/admin/accounts/apiclient/{machine.pk}/change/"
    assert staff.post(url, sent(staff, url, scopes="read")).status_code == 302
    assert AuditEvent.objects.get(action="apiclient.changed").after == {"scopes": ["read"]}


def test_an_account_number_is_not_copied_into_the_trail(staff):
    owner = make_participant()
    data = {"owner": owner.pk, "holder": "Anna", "iban": "DE89370400440532013000", "bic": ""}
    assert staff.post("/admin/settlement/bankaccount/add/", data).status_code == 302
    line = AuditEvent.objects.get(action="bankaccount.made")
    assert (line.after["holder"], line.after["iban"]) == ("Anna", "...")
    account = BankAccount.objects.get()
    staff.post(f"/admin/settlement/bankaccount/{account.pk}/delete/", {"post": "yes"})
    assert AuditEvent.objects.filter(action="bankaccount.deleted").exists()


def test_what_the_database_refuses_is_told_and_leaves_no_line(staff, at):
    portfolio = make_portfolio()
    SettlementRun.objects.create(
        portfolio=portfolio, delivery_date=at.date(), version=1, as_of=at, state="OK", currency="EUR", revenue=0,
        penalty=0, payouts=0, fees=0, margin=0, checksum="0" * 64,
    )  # fmt: skip
    url = f"/admin/enrollment/portfolio/{portfolio.pk}/change/"
    answer = staff.post(url, sent(staff, url, time_zone="Asia/Tokyo"), follow=True)
    assert "are settled with its code and time zone: that stays" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="portfolio.changed").exists()
