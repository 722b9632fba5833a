"""German is complete, reads like German, and is one click away."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from tests.apps.console.makers import day_url, every_page, page
from vpp.console import refusals, translations, units
from vpp.console.queries import nightly

ROOT = Path(settings.BASE_DIR)


@pytest.fixture(scope="module")
def german() -> dict[str, list[str]]:
    return translations.read_po(translations.catalogue("de"))


def test_every_text_of_pages_and_code_has_a_german_one(german):
    missing = [text for text in translations.texts(ROOT) if not all(german.get(text) or [""])]
    assert not missing, f"`manage.py messages` names them: {missing[:20]}"


def test_the_compiled_catalogue_is_the_written_one(german):
    path = translations.catalogue("de")
    assert path.with_suffix(".mo").read_bytes() == translations.compiled(translations.read_po(path))


def test_translations_keep_what_is_filled_in(german):
    wrong = []
    for key, given in german.items():
        wanted = sorted(re.findall(r"%\(\w+\)|%%", key.partition(translations.PLURAL)[0]))
        wrong += [key for text in given if key and sorted(re.findall(r"%\(\w+\)|%%", text)) != wanted]
    assert not wrong


def test_templates_hold_no_text_that_cannot_be_translated():
    """What stands between two tags is a number, a sign, a unit, a command, or marked for translation."""
    found = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if path.parent.name == "admin":
            continue
        text = re.sub(
            r"(?s)\{% blocktranslate.*?endblocktranslate %\}|<(code|script|style)\b.*?</\1>", "", path.read_text()
        )
        text = re.sub(r"(?s)\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", text)
        found += [f"{path.name}: {one}" for one in re.findall(r">([^<>]*[A-Za-z]{3}[^<>]*)<", text) if one.strip()]
    assert not found


@pytest.mark.django_db
def test_every_page_opens_in_german(staff, world):
    staff.cookies["django_language"] = "de"
    for url in every_page(world):
        assert '<html lang="de">' in page(staff, url), url
    assert "Energie über den Tag in kWh" in page(staff, day_url(world)), "texts with a percent sign too"
    assert "owed by markets" not in page(staff, "/ledger/")
    assert "settled with findings" not in page(staff, "/settlement/")
    body = page(staff, "/")
    assert "Handelsschlüsse" in body and "Zusagen für den 14. Juli 2016" in body and "Gates ahead" not in body


@pytest.mark.django_db
def test_the_language_is_one_click_away(client):
    response = client.post("/i18n/setlang/", {"language": "de", "next": "/login/"})
    assert response["Location"] == "/login/"
    assert "Anmelden" in client.get("/login/").content.decode()


def test_numbers_and_ages_read_as_the_language_wants():
    at = datetime(2016, 3, 27, 0, 30, tzinfo=UTC)
    with translation.override("de"):
        assert units.money(-1234.5) == "\u22121\u202f234,50\u00a0EUR"
        assert units.quantity(12.34, "kW") == "12,3\u00a0kW"
        assert units.age(at, at + timedelta(hours=2)) == "vor 2\u00a0h"
        assert units.local(at, "Europe/Berlin").replace("\u00a0", " ") == "27. Mär 2016 01:30 CET"
    with translation.override("en"):
        assert units.quantity(12.34, "kW") == "12.3\u00a0kW"
        assert units.local(at, "Europe/Berlin").replace("\u00a0", " ") == "27 Mar 2016 01:30 CET"


@pytest.mark.parametrize(
    ("said", "german"),
    [
        ("the gate closed at 2016-03-26T11:00:00+00:00", "die Frist endete am 26. Mär 2016 12:00 CET"),
        ("B:v1 is CLEARED and cannot be edited", "B:v1 ist „bezuschlagt“ und kann nicht geändert werden"),
        ("the owner has not agreed; it has not passed its test", "der Eigentümer hat nicht zugestimmt; es hat seine "
         "Prüfung nicht bestanden"),
        ("D-1 did not pass: 40% of what was asked, 90% are wanted", "D-1 hat nicht bestanden: 40% von dem, was "
         "verlangt war; gebraucht werden 90%"),
        ("a.csv, row 3, column power_kw: 'x' is not a number", "a.csv, Zeile 3, Spalte power_kw: 'x' ist keine Zahl"),
        ("sites.csv, row 2: 'x': is no number; decimals have a point, as 1.5", "sites.csv, Zeile 2: 'x': ist keine Zahl; "
         "Dezimalstellen haben einen Punkt, wie 1.5"),
        ("is not UTF-8 text (byte 7); save it as “CSV UTF-8”", "ist kein UTF-8-Text (Byte 7); als „CSV UTF-8“ speichern"),
        ("PF-DE: no forecast: only storages are offered", "PF-DE: keine Prognose: nur Speicher werden angeboten"),
        ("PF-DE: committed misses 12.5 of committed_up_kw in interval 7", "PF-DE: zugesagt fehlen 12,5 von "
         "committed_up_kw im Intervall 7"),
        ("words that nobody collected", "words that nobody collected"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_the_readers_language(said, german):
    with translation.override("de"):
        assert refusals.told(said, "Europe/Berlin").replace("\u00a0", " ") == german
    with translation.override("en"):
        assert refusals.told("words", "UTC") == "words"


def test_what_a_night_found_is_told_in_the_readers_language():
    detail = {
        "portfolios": 2, "products": {"ENERGY-60": "mean of 7 known days"}, "asks": [], "limit_s": 2.5,
        "findings": ["PF-DE: no forecast", "RESERVE-DE RESERVE-UP-4H: the gate is closed"], "gaps": {"PF-DE": 0.012},
    }  # fmt: skip
    with translation.override("de"):
        assert [one.replace("\u00a0", " ") for one in nightly.notes(detail, "Europe/Berlin")] == [
            "Portfolios: 2", "ENERGY-60: Mittel von 7 bekannten Tagen", "Anfragen: keine", "Zeitgrenze, s: 2,50",
            "PF-DE: keine Prognose", "RESERVE-DE RESERVE-UP-4H: die Frist ist vorbei",
            "PF-DE: höchstens 1,2 % vom Optimum entfernt",
        ]  # fmt: skip


def test_every_refusal_of_the_rooms_that_pages_show_is_collected():
    found = {text for _place, text in refusals.texts(ROOT)}
    assert {"the gate closed at %(1)s", "say why; the reason is kept in the trail", "it cannot be controlled"} <= found
    assert len(found) > 70
