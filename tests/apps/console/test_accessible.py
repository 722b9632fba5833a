"""What can be said about a page without a browser: labels, headings, landmarks, names, and the contrast of our colours."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from tests.apps.console.makers import every_page, page

pytestmark = pytest.mark.django_db

VOID = {"input", "meta", "link", "br", "img", "path", "rect", "circle"}


class Page(HTMLParser):
    """Collects what the checks below look at."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.referred: set[str] = set()
        self.headings: list[int] = []
        self.landmarks: list[str] = []
        self.unnamed: list[str] = []
        self.open_labels = 0
        self.waiting: list[tuple[str, list[str], str]] = []  # links and buttons that need a text
        self.tables_without_head = 0
        self.lang = ""
        self.feed(body)

    def handle_starttag(self, tag, attrs):
        have = dict(attrs)
        if "id" in have:
            self.ids.append(have["id"])
        for name in ("aria-labelledby", "aria-describedby"):
            self.referred |= set(have.get(name, "").split())
        if tag == "html":
            self.lang = have.get("lang", "")
        if tag in ("main", "nav", "header", "footer"):
            self.landmarks.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "label":
            self.open_labels += 1
            self.labelled.add(have.get("for", ""))
        if tag in ("input", "select", "textarea") and have.get("type") != "hidden":
            named = self.open_labels or "aria-label" in have or have.get("id") in self.labelled
            if not named:
                self.unnamed.append(f"{tag} {have}")
        if tag in ("a", "button"):
            self.waiting.append((tag, [], have.get("aria-label", "")))
        if tag == "svg" and not ("aria-label" in have or have.get("aria-hidden") == "true"):
            self.unnamed.append("svg")
        if have.get("role") in ("img", "region", "group") and not ({"aria-label", "aria-labelledby"} & have.keys()):
            self.unnamed.append(f"{tag} with role {have['role']}")

    def handle_endtag(self, tag):
        if tag == "label":
            self.open_labels -= 1
        if tag in ("a", "button") and self.waiting and self.waiting[-1][0] == tag:
            _, words, label = self.waiting.pop()
            if not label and not "".join(words).strip():
                self.unnamed.append(f"{tag} without a name")

    def handle_data(self, data):
        for _, words, _ in self.waiting:
            words.append(data)


def test_pages_can_be_read_and_used_without_eyes_or_mouse(staff, world):
    for url in every_page(world):
        found = Page(page(staff, url))
        assert found.unnamed == [], url
        assert found.lang == "en"
        assert found.headings.count(1) == 1, f"{url}: {found.headings}"
        steps = zip(found.headings, found.headings[1:], strict=False)
        assert all(later - earlier <= 1 for earlier, later in steps), f"{url}: {found.headings}"
        assert len(found.ids) == len(set(found.ids)), f"{url}: {sorted(found.ids)}"
        assert found.referred <= set(found.ids), f"{url}: {found.referred - set(found.ids)}"
        assert {"main", "nav", "header"} <= set(found.landmarks)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255.0 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.1 contrast ratio of two #rrggbb colours."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def palettes() -> list[dict[str, str]]:
    css = Path(str(finders.find("console/console.css"))).read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks[:2])
    return [light, light | dark]


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_text_stands_out_from_its_ground(palette):
    pairs = [("ink", "page"), ("ink", "surface"), ("ink", "raised"), ("soft", "page"), ("soft", "surface")]
    pairs += [("soft", "raised"), ("accent", "surface"), ("accent", "accent-soft"), ("surface", "accent")]
    pairs += [(tone, f"{tone}-soft") for tone in ("good", "wait", "warn", "bad")]
    pairs += [("ink", f"{tone}-soft") for tone in ("good", "wait", "bad")]
    weak = {pair: round(contrast(palette[pair[0]], palette[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_lines_of_charts_stand_out_from_their_ground(palette):
    for name in ("baseline", "plan", "measured", "before", "called"):
        assert contrast(palette[f"chart-{name}"], palette["surface"]) >= 3.0, name
