"""Forms under real fingers: a double click, a comma, a session that ends in the middle."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session

from bidding.models import Ask
from tests.browser.conftest import PASSWORD, Site


def type_ask(visitor, tomorrow, reference: str) -> None:
    """Key by key, as a person does; dates as the browser's own fields take them."""
    day_before = tomorrow - timedelta(days=1)
    for name, value in {
        "delivery_date": tomorrow.isoformat(), "begins": "17:00", "ends": "18:00", "gate": f"{day_before}T12:00",
        "expires": f"{day_before}T14:00",
    }.items():  # fmt: skip
        visitor.page.fill(f"[name={name}]", value)
    for name, value in {"reference": reference, "quantity": "20,5", "ceiling_price": "99,9"}.items():
        visitor.page.locator(f"[name={name}]").fill("")
        visitor.page.locator(f"[name={name}]").press_sequentially(value)


def test_a_double_click_sends_once_and_a_comma_is_a_decimal(visit, tomorrow):
    planner, sent = visit("planner"), []
    planner.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    planner.open("/asks/new/")
    type_ask(planner, tomorrow, "TWICE-1")
    with planner.page.expect_navigation():
        planner.page.get_by_role("button", name="Send the ask").dblclick()
    planner.reads("Ask TWICE-1 is with the aggregator")
    assert len(sent) == 1
    ask = Ask.objects.get(reference="TWICE-1")
    assert ask.ceiling_price_per_mwh == 99.9 and max(ask.quantity_kw) == 20.5


def test_what_was_typed_outlives_the_session(visit, site: Site, tomorrow):
    planner = visit()
    planner.log_in("planner")
    planner.open("/asks/new/")
    type_ask(planner, tomorrow, "LATE-1")
    Session.objects.all().delete()
    planner.press("Send the ask")
    planner.reads("what you typed is kept")
    planner.page.fill("[name=username]", site.users["planner"].username)
    planner.page.fill("[name=password]", PASSWORD)
    planner.press("Log in")
    planner.reads("This was not sent yet", "LATE-1", "99,9")
    planner.check()
    planner.press("Send it now")
    planner.reads("Ask LATE-1 is with the aggregator")


def test_a_refused_form_leads_to_what_is_wrong_and_says_why(visit, tomorrow):
    planner = visit("planner")
    planner.open("/asks/new/")
    type_ask(planner, tomorrow, "WRONG-1")
    planner.page.fill("[name=ceiling_price]", "5 MW")
    planner.press("Send the ask")
    planner.errors.clear()  # the browser itself logs the 422
    field = planner.page.locator(":focus")
    assert field.get_attribute("name") == "ceiling_price" and field.get_attribute("aria-invalid") == "true"
    said = [planner.page.inner_text(f"#{one}") for one in (field.get_attribute("aria-describedby") or "").split()]
    assert "Write a number, as 1234.5." in said and field.input_value() == "5 MW"
