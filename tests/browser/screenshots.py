"""`make screenshots`: plays the demo once, then pictures of its pages for README and docs, in docs/screenshots.

python -m tests.browser.screenshots [--out FOLDER] [--all] [--language de]
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WIDE, NARROW = 1440, 390
COLOURS = 32
MOST_HEIGHT = 1900
OUT = Path("docs/screenshots")
#: What README and docs show; `--all` takes every page.
SHOWN = {
    "today", "day", "bids", "ask", "enrollment", "forecasts", "grid", "fleet-feeder", "today-narrow", "asks-narrow",
    "owner-narrow",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--all", action="store_true", help="every page, not only those of the docs")
    parser.add_argument("--language", default="en")
    asked = parser.parse_args()
    enter_demo()
    asked.out.mkdir(parents=True, exist_ok=True)
    with served() as (url, cookies, pages):
        for name, role, path, width in pages:
            if asked.all or name in SHOWN:
                size = shoot(url, cookies[role], path, width, asked.out / f"{name}.png", asked.language)
                sys.stdout.write(f"{name}.png  {width} px  {size / 1024:.0f} kB\n")


def enter_demo() -> None:
    """Play the demo in its own data folder (a second time it only looks), and use that folder from here on."""
    from vpp.lib.embedded_postgres import default_data_dir, ensure_database
    from vpp.simulation.demo.scenario import make_scenario

    subprocess.run([sys.executable, "manage.py", "demo", "--no-serve"], check=True, stdout=subprocess.DEVNULL)
    scenario = make_scenario(full=False, grid="", delivery_date=None, seed=None, prices_file=None)
    os.environ["VPP_DATA_DIR"] = str(default_data_dir() / "demo" / scenario.key)
    os.environ["DJANGO_SETTINGS_MODULE"] = "vpp.settings"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    import django

    django.setup()
    ensure_database()


@contextmanager
def served() -> Iterator[tuple[str, dict[str, str], list[tuple[str, str, str, int]]]]:
    """The demo's service, a session for staff, utility and owner, and the pages: name, role, address, width."""
    from django.core.management import call_command

    from vpp.jobs.web import WebServer
    from vpp.lib import clock
    from vpp.settlement.models import Payout, SettlementRun

    call_command("migrate", interactive=False, verbosity=0)
    run = SettlementRun.objects.order_by("-delivery_date", "pk").select_related("portfolio")[0]
    clock.set_simulated(run.as_of)
    owner = Payout.objects.order_by("-amount")[0].owner
    with WebServer("127.0.0.1:0") as server:
        yield server.url, {role: session(role, owner) for role in ("staff", "utility", "owner")}, page_list()


def session(role: str, owner: Any) -> str:
    from django.test import Client

    from vpp.accounts.models import Participant, User

    kinds = {"staff": ("AGGREGATOR", "ADMIN"), "utility": ("UTILITY", "UTILITY_APPROVER"), "owner": ("OWNER", "OWNER")}
    kind, code = kinds[role]
    participant = owner if role == "owner" else Participant.objects.filter(kind=kind).order_by("pk")[0]
    user, _ = User.objects.get_or_create(username=f"picture-{role}", defaults={"participant": participant})
    user.role, user.participant, user.is_staff = code, participant, role == "staff"
    user.is_superuser = role == "staff"
    user.save()
    client = Client()
    client.force_login(user)
    return str(client.cookies["sessionid"].value)


def page_list() -> list[tuple[str, str, str, int]]:
    from bidding.models import Ask
    from vpp.enrollment.models import Device
    from vpp.settlement.models import Payout, Performance

    asks = Performance.objects.filter(award__bid__ask__isnull=False).select_related("award__bid__ask")
    ask = asks.first().award.bid.ask if asks.exists() else Ask.objects.first()  # type: ignore[union-attr]
    settled = asks.order_by("-revenue").first() or Performance.objects.order_by("-revenue")[0]
    run, day = settled.run, settled.run.delivery_date.isoformat()
    code = run.portfolio.code
    payout = Payout.objects.order_by("-amount")[0]
    battery = Device.objects.filter(kind="BATTERY", enrollments__portfolio=run.portfolio).order_by("code")[0]
    pages = [
        ("today", "staff", "/"), ("day", "staff", f"/day/{code}/{day}/"), ("bids", "staff", f"/bids/?date={day}"),
        ("portfolio-bids", "staff", f"/bids/{code}/{day}/"), ("asks", "staff", "/asks/"),
        ("ask", "staff", f"/asks/{ask.reference}/"), ("fleet", "staff", "/fleet/"),  # type: ignore[union-attr]
        ("device", "staff", f"/fleet/device/{battery.code}/?date={day}"),
        ("grid", "staff", f"/grid/{battery.site.feeder_code}/?date={day}&picture=metered"),
        ("fleet-feeder", "staff", f"/fleet/feeders/{battery.site.feeder_code}/"), ("replays", "staff", "/bids/replays/"), ("forecasts", "staff", "/forecasts/"),
        ("settled", "staff", f"/settlement/awards/{settled.pk}/"), ("payout", "staff", f"/payouts/{payout.pk}/"),
        ("enrollment", "staff", f"/enrollment/sites/{battery.site.code}/"),
        ("import", "staff", "/enrollment/import/"), ("eligibility", "staff", "/enrollment/eligibility/"),
        ("statements", "staff", "/statements/"), ("review", "staff", "/settlement/review/?state=ALL"),
        ("ledger", "staff", "/ledger/"), ("alarms", "staff", "/alarms/?show=all"), ("system", "staff", "/system/"),
        ("what-if", "staff", "/bids/what-if/"), ("utility", "utility", "/asks/"), ("owner", "owner", "/fleet/"),
    ]  # fmt: skip
    narrow = [("today-narrow", "staff", "/"), ("asks-narrow", "utility", "/asks/"), ("owner-narrow", "owner", "/payouts/"),
              ("device-narrow", "owner", None)]  # fmt: skip
    own = Device.objects.filter(site__owner=payout.owner).exclude(kind="METER").order_by("code")[0]
    found = [(name, role, path, WIDE) for name, role, path in pages]
    return found + [
        (name, role, path or f"/fleet/device/{own.code}/?date={day}", NARROW) for name, role, path in narrow
    ]


def shoot(url: str, cookie: str, path: str, width: int, file: Path, language: str) -> int:
    """One page as a small PNG; its size in bytes."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    from vpp.jobs.operations import run_pending

    with sync_playwright() as playwright:
        executable = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="light")
        context.add_cookies(
            [
                {"name": "sessionid", "value": cookie, "url": url},
                {"name": "django_language", "value": language, "url": url},
            ]
        )
        page = context.new_page()
        page.goto(url + path)
        if path.startswith("/grid/") and path != "/grid/":
            run_pending(limit=10)  # no worker is here to calculate the feeder's study
            page.wait_for_selector("svg.feeder")  # then the page comes again by itself
        page.wait_for_timeout(700 if page.query_selector("[data-chart]") else 100)
        height = min(page.evaluate("document.documentElement.scrollHeight"), MOST_HEIGHT)
        picture = Image.open(
            io.BytesIO(page.screenshot(clip={"x": 0, "y": 0, "width": width, "height": height}, full_page=True))
        )
        browser.close()
    small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(file, optimize=True)
    return file.stat().st_size


if __name__ == "__main__":
    main()
