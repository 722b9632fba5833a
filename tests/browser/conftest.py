"""A real Chromium against a served, played day: one database, one server and one browser for the whole folder."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import axe_core_python
import pytest
from django.test import Client

from tests import conftest as shared
from tests.apps.console.makers import World, make_day, make_user
from vpp.accounts.models import User
from vpp.lib import clock

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
PASSWORD = "correct-horse-battery"
#: What a page may not do: break the policy, throw, or ask for something that is not there.
WATCH = (
    "document.addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI))"
)


@dataclass
class Site:
    """The served day: where it is, what it holds, and a door for each role."""

    url: str
    world: World
    users: dict[str, User] = field(default_factory=dict)

    def cookie(self, role: str) -> dict[str, str]:
        client = Client()
        client.force_login(self.users[role])
        return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": self.url}


class Visitor:
    """A page in a context of its own that remembers every error it met."""

    def __init__(self, page: Any, site: Site) -> None:
        self.page, self.site = page, site
        self.errors: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _listen(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def open(self, path: str, status: int = 200) -> Any:
        answer = self.page.goto(self.site.url + path)
        assert answer.status == status, f"{path}: {answer.status}, wanted {status}"
        if status >= 400:
            self.errors.clear()  # the browser itself logs the refused document
        return self.page

    def follow(self, name: str, *, exact: bool = False) -> None:
        """Click a link by its words and wait for the page behind it."""
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=name, exact=exact).first.click()

    def press(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name).first.click()

    def reads(self, *texts: str) -> None:
        body = self.page.inner_text("body")
        missing = [text for text in texts if text not in body]
        assert not missing, f"{self.page.url} does not say {missing}:\n{body[:2000]}"

    def log_in(self, role: str) -> None:
        self.open("/login/")
        self.page.fill("[name=username]", self.site.users[role].username)
        self.page.fill("[name=password]", PASSWORD)
        self.press("Log in")

    def check(self) -> None:
        """What axe finds on the page as it stands, its colours by night too, and what went wrong so far."""
        self.page.evaluate(AXE)
        self._axe("['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']")
        self.page.emulate_media(color_scheme="dark")
        self._axe("{type: 'rule', values: ['color-contrast']}")
        self.page.emulate_media(color_scheme="light")
        assert not self.errors, f"{self.page.url}: {self.errors}"

    def _axe(self, rules: str) -> None:
        found = self.page.evaluate(f"axe.run({{resultTypes: ['violations'], runOnly: {rules}}})")
        told = [
            f"{one['id']} ({one['impact']}): {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
            for one in found["violations"]
        ]
        assert not told, f"{self.page.url}: " + "\n".join(told)


@pytest.fixture(scope="package")
def site(django_db_setup: None, django_db_blocker: Any) -> Iterator[Site]:
    """A played day, committed, and served by a real web server; every table is empty again afterwards."""
    if not CHROMIUM:
        message = "NO CHROMIUM: the browser tests are not run. Debian: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from vpp.jobs.web import WebServer

    with django_db_blocker.unblock():
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright keeps a loop running in this thread
        try:
            world = make_day()
            clock.set_simulated(world.after)
            with WebServer("127.0.0.1:0", threads=4) as server:
                yield Site(server.url, world, make_people(world))
        finally:
            _forget()
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def make_people(world: World) -> dict[str, User]:
    owner = world.devices[0].site.owner
    people = {
        "staff": ("ada", "AGGREGATOR", None, "ADMIN"), "viewer": ("vera", "AGGREGATOR", None, "VIEWER"),
        "planner": ("paul", None, world.utility, "UTILITY_PLANNER"),
        "approver": ("anna", None, world.utility, "UTILITY_APPROVER"), "owner": ("olga", None, owner, "OWNER"),
    }  # fmt: skip
    made = {}
    for role, (name, kind, participant, code) in people.items():
        user = make_user(name, kind, participant=participant, admin=role == "staff")
        user.role = code
        user.set_password(PASSWORD)
        user.save()
        made[role] = user
    return made


def _forget() -> None:
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:  # the server's threads are gone, their sessions may linger
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    call_command("flush", interactive=False, verbosity=0)
    connection.creation.deserialize_db_from_string(json.dumps(shared.SHIPPED_ROWS))
    connection.close()


@pytest.fixture(scope="package")
def browser(site: Site) -> Iterator[Any]:
    from django.db import connections
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()
        # While playwright's loop runs Django keeps connections of their own; left open, `_forget` would end their sessions
        # and the next file with a browser in this process would find them dead.
        connections.close_all()


@pytest.fixture
def visit(browser: Any, site: Site) -> Iterator[Any]:
    """`visit()` opens the console as nobody, `visit("staff")` as somebody who is logged in."""
    clock.set_simulated(site.world.after)
    contexts, visitors = [], []

    def opened(role: str = "", *, width: int = 1440) -> Visitor:
        context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-GB")
        context.add_init_script(WATCH)
        if role:
            context.add_cookies([site.cookie(role)])
        visitor = Visitor(context.new_page(), site)
        contexts.append(context)
        visitors.append(visitor)
        return visitor

    yield opened
    for visitor in visitors:
        assert not visitor.errors, visitor.errors
    for context in contexts:
        context.close()


@pytest.fixture
def tomorrow(site: Site) -> Any:
    return site.world.day.date + timedelta(days=2)
