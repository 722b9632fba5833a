"""The house stays in order: rooms import only to their left, kernels know no Django, commands start light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = [
    "vpp.lib", "vpp.accounts", "vpp.jobs", "vpp.enrollment", "vpp.network", "telemetry", "forecasting", "bidding",
    "vpp.dispatch", "vpp.settlement", "vpp.uftp", "vpp.console", "vpp.simulation",
]  # fmt: skip
FRAMEWORKS = {"django", "rest_framework", "dramatiq", "psycopg", "drf_spectacular"}
HEAVY = (
    "pandas",
    "sklearn",
    "statsmodels",
    "pulp",
    "highspy",
    "power_grid_model",
    "pandapower",
    "simbench",
    "scipy",
    "plotly",
    "shapeshifter_uftp",
    "fastapi",
    "lxml",
    "numba",
)
# The simulated world is a counterpart: it may use pure kernels, never the service's insides.
INSIDES = {"models", "queries", "operations", "api", "views", "actors", "admin"}


def room_of(module: str) -> str | None:
    return next((room for room in ROOMS if module == room or module.startswith(room + ".")), None)


def modules_of(room: str) -> Iterator[Path]:
    folder = ROOT / room.replace(".", "/")
    yield from (path for path in folder.rglob("*.py") if "migrations" not in path.parts)


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full module name of every import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_to_its_left(room: str):
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in modules_of(room)
        for line, module in imports_of(path)
        if (target := room_of(module)) is not None and target not in allowed
    ]
    assert wrong == []


def test_kernels_import_no_framework_and_of_ours_only_the_library_and_their_own_room():
    wrong = []
    for room in ROOMS:
        for path in modules_of(room):
            if "kernels" not in path.parts:
                continue
            for line, module in imports_of(path):
                target = room_of(module)
                foreign = target not in (None, "vpp.lib") and not module.startswith(f"{room}.kernels")
                if module.split(".")[0] in FRAMEWORKS or foreign:
                    wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert wrong == []


def test_the_library_knows_no_framework():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in modules_of("vpp.lib")
        for line, module in imports_of(path)
        if module.split(".")[0] in FRAMEWORKS - {"psycopg"}  # the embedded server makes its first database
    ]
    assert wrong == []


def test_the_simulated_world_reaches_the_service_only_through_its_edges():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in modules_of("vpp.simulation")
        for line, module in imports_of(path)
        if (target := room_of(module)) not in (None, "vpp.lib", "vpp.simulation")
        and module.removeprefix(f"{target}.").split(".")[0] in INSIDES
        and "demo" not in path.parts  # the demo's stage director starts the service itself
    ]
    assert wrong == []


def test_a_web_process_loads_no_heavy_library():
    program = (
        "import django, os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'vpp.settings'; django.setup();"
        "from django.core.handlers.wsgi import WSGIHandler; WSGIHandler();"
        "import vpp.urls; from django.urls import get_resolver; get_resolver().url_patterns; get_resolver().reverse_dict;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
