"""Every page under axe, and each role before the pages that are not for it."""

from __future__ import annotations

import pytest

from tests.apps.console.makers import day_url, every_page
from tests.browser.conftest import Site


def test_axe_finds_nothing_on_any_page_of_staff(visit, site: Site):
    staff = visit("staff")
    for path in [*every_page(site.world), "/api/v1/docs"]:
        staff.open(path)
        staff.check()


def test_axe_finds_nothing_before_the_login(visit):
    nobody = visit()
    nobody.open("/login/")
    nobody.check()


FORBIDDEN = {
    "planner": [
        "/",
        "day",
        "/bids/",
        "/fleet/",
        "/payouts/",
        "/settlement/",
        "/ledger/",
        "/system/",
        "/system/audit/",
        "/bids/replays/",
        "/fleet/feeders/",
        "/fleet/changes/",
    ],
    "approver": ["/fleet/", "/payouts/", "/settlement/", "/system/"],
    "owner": ["/asks/", "/grid/", "/bids/", "/reports/", "/settlement/", "/ledger/", "/system/", "day"],
    "viewer": ["/asks/new/", "suspend"],
}


@pytest.mark.parametrize("role", list(FORBIDDEN))
def test_a_forbidden_page_says_so_and_leads_back(visit, site: Site, role):
    visitor = visit(role)
    named = {"day": day_url(site.world), "suspend": f"/fleet/change/suspend/?device={site.world.devices[0].code}"}
    for path in FORBIDDEN[role]:
        if path == "/":
            continue
        visitor.open(named.get(path, path), status=403)
        visitor.reads("Not for you")
    visitor.check()
    visitor.follow("To the start page")
