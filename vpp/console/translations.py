"""What people see, in their language: the texts of templates and code, a catalogue per language, its compiled form.

Django's makemessages needs GNU gettext; this needs nothing. `manage.py messages` keeps vpp/locale/<language> up to
date, and a test fails where a text has no translation.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.template import Engine
from django.template.base import UNKNOWN_SOURCE, Template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

#: Where texts live, below the root of the source.
TEMPLATES = "templates"
CODE = ("vpp/console",)
#: Models whose labels the console shows: app, model, field.
LABELS = (
    "bidding.Ask.state", "bidding.Ask.direction", "bidding.Bid.state", "bidding.NightlyRun.state",
    "bidding.NightlyStep.state", "bidding.PlannedDay.kind", "forecasting.ForecastRun.state", "dispatch.Plan.state",
    "dispatch.Setpoint.state", "dispatch.DeviceStatus.state", "dispatch.Alarm.kind", "telemetry.Alarm.kind",
    "settlement.SettlementRun.state", "settlement.Statement.state", "settlement.Dispute.state",
    "settlement.ReviewFinding.state", "settlement.ReviewFinding.kind", "settlement.Certification.level",
    "settlement.LedgerAccount.kind", "jobs.Job.state", "enrollment.Device.kind", "enrollment.Contract.split_rule",
    "accounts.User.role",
)  # fmt: skip
CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}
#: singular and plural, or the text alone; one separator, as in a .mo file.
PLURAL = "\x00"


def texts(root: Path) -> dict[str, set[str]]:
    """Every text that can be shown -> where it stands."""
    from vpp.console import refusals  # which reads the catalogues that are written here

    found: dict[str, set[str]] = {}
    for place, text in [*_of_templates(root), *_of_code(root), *_of_labels(), *refusals.texts(root)]:
        found.setdefault(text, set()).add(place)
    return found


def _of_templates(root: Path) -> Iterator[tuple[str, str]]:
    engine = Engine.get_default()
    for path in sorted((root / TEMPLATES).rglob("*.html")):
        source = path.read_text(encoding="utf-8")
        place = str(path.relative_to(root))
        yield from ((place, text) for text in re.findall(r'_\("([^"]+)"\)', source))
        template = Template(source, engine=engine, name=UNKNOWN_SOURCE)
        for node in template.nodelist.get_nodes_by_type(TranslateNode):
            text = node.filter_expression.var.literal  # type: ignore[attr-defined]
            if isinstance(text, str):
                yield place, text.replace("%", "%%")  # as the tag looks it up
        for node in template.nodelist.get_nodes_by_type(BlockTranslateNode):
            assert isinstance(node, BlockTranslateNode)
            yield place, node.render_token_list(node.singular)[0]


def _of_code(root: Path) -> Iterator[tuple[str, str]]:
    for folder in CODE:
        for path in sorted((root / folder).rglob("*.py")):
            place = str(path.relative_to(root))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                    said = [
                        one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
                    ]
                    if said:
                        yield place, PLURAL.join(said[:2]) if node.func.id == "ngettext" else said[0]


def _of_labels() -> Iterator[tuple[str, str]]:
    for name in LABELS:
        app, model, field = name.split(".")
        for code, label in apps.get_model(app, model)._meta.get_field(field).flatchoices:
            yield name, str(label)
            yield name, str(code).lower().replace("_", " ")


def read_po(path: Path) -> dict[str, list[str]]:
    """msgid (with its plural after PLURAL) -> translations, one or one a plural form."""
    entries: dict[str, list[str]] = {}
    one: dict[str, str] = {}
    last = ""
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("msg"):
            last, _space, text = line.partition(" ")
            one[last] = ast.literal_eval(text)
        elif line.startswith('"'):
            one[last] += ast.literal_eval(line)
        elif not line.strip() and "msgid" in one:
            key = one["msgid"] + (PLURAL + one["msgid_plural"] if "msgid_plural" in one else "")
            entries[key] = [text for name, text in one.items() if name.startswith("msgstr")]
            one = {}
    return entries


def write_po(path: Path, entries: dict[str, list[str]], places: dict[str, set[str]]) -> None:
    """The header first, then by text, each with where it stands."""
    lines = ['msgid ""', 'msgstr ""', *(_quoted(line + "\n") for line in entries[""][0].splitlines()), ""]
    for key in sorted(places):
        lines += [f"#: {place}" for place in sorted(places[key])]
        single, _sep, plural = key.partition(PLURAL)
        given = entries.get(key, [""] * (2 if plural else 1))
        lines.append(f"msgid {_quoted(single)}")
        if plural:
            lines.append(f"msgid_plural {_quoted(plural)}")
            lines += [f"msgstr[{number}] {_quoted(text)}" for number, text in enumerate(given)]
        else:
            lines.append(f"msgstr {_quoted(given[0])}")
        lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def compiled(entries: dict[str, list[str]]) -> bytes:
    """The catalogue as GNU .mo: a table of texts and one of translations, sorted, little-endian."""
    pairs = sorted(
        (key.encode(), PLURAL.join(given).encode()) for key, given in entries.items() if all(given) or not key
    )
    table_at = 7 * 4
    texts_at = table_at + len(pairs) * 16
    ids, strings, offsets = b"", b"", []
    for key, text in pairs:
        offsets.append((len(key), len(ids), len(text), len(strings)))
        ids += key + b"\0"
        strings += text + b"\0"
    first = [value for size, at, _l, _o in offsets for value in (size, texts_at + at)]
    second = [value for _s, _a, size, at in offsets for value in (size, texts_at + len(ids) + at)]
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), table_at, table_at + len(pairs) * 8, 0, 0)
    return head + struct.pack(f"<{len(first) * 2}I", *first, *second) + ids + strings


def catalogue(language: str) -> Path:
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"
