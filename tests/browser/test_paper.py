"""What is printed: the whole of a table, dark on white, without controls."""

from __future__ import annotations

from tests.browser.conftest import Site
from vpp.settlement.models import Payout


def test_a_payout_prints_whole_and_dark_on_white(visit, site: Site):
    owner = visit("owner", width=740)  # A4 at 96 dpi, less its margins
    payout = Payout.objects.filter(owner=site.users["owner"].participant).earliest("pk")
    owner.page.emulate_media(media="print", color_scheme="dark")
    owner.open(f"/payouts/{payout.pk}/")
    hidden = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollHeight > e.clientHeight + 1 && getComputedStyle(e).overflowY != 'visible').length"
    assert owner.page.evaluate(hidden) == 0, "rows behind a scroll bar are not on paper"
    ink, paper = owner.page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.querySelector('.card')).backgroundColor]"
    )
    assert (ink, paper) == ("rgb(23, 32, 43)", "rgb(255, 255, 255)")
    assert not owner.page.is_visible("header.top") and not owner.page.is_visible("footer")
