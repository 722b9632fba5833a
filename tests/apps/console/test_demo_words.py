"""What `make demo` tells a person on the terminal: the way into the console, and the way out of a failed day."""

from __future__ import annotations

from vpp.simulation.demo import show
from vpp.simulation.management.commands import demo

FOLDER = "/home/somebody/with/a/long/way/.local/share/vpp/demo/1-MVLV-semiurb-5.220-2-no_sw-seed7-e4730778-v2"


def test_a_command_to_copy_stands_on_one_line(monkeypatch, capsys):
    monkeypatch.setenv("VPP_DATA_DIR", FOLDER)
    monkeypatch.setenv("COLUMNS", "80")
    show.print_login("http://127.0.0.1:8000", "demo", "secret")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert f"VPP_DATA_DIR={FOLDER} .venv/bin/python manage.py ..." in lines
    assert any(line.endswith(f"delete {FOLDER}") for line in lines)


def test_a_failed_day_says_what_to_delete(monkeypatch):
    monkeypatch.setenv("VPP_DATA_DIR", FOLDER)
    monkeypatch.setenv(demo.CHOSEN, "1")
    assert f"delete the folder {FOLDER}" in demo.begin_anew()
    monkeypatch.delenv(demo.CHOSEN)
    assert "delete the database" in demo.begin_anew()
