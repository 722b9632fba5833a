"""The result of a played day as tables on a terminal."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH = 118


def print_result(result: dict[str, Any]) -> None:
    console = Console(width=None if Console().is_terminal else WIDTH)
    console.print(_positions(result))
    console.print(_money(result))
    for note in result["notes"]:
        console.print(f"- {note}")
    book = result["book_check"]
    verdict = "no kilowatt sold twice" if not book["problems"] else f"{len(book['problems'])} PROBLEMS"
    console.print(f"Commitment book, checked independently over {book['bids']} bids: {verdict}")
    _print_trace(console, result["trace"])
    console.print(_seconds(result))


def print_login(url: str, user: str, password: str) -> None:
    console = Console()
    console.print(f"\nConsole: [bold]{url}/[/]   user [bold]{user}[/]   one-time password [bold]{password}[/]")
    if folder := os.environ.get("VPP_DATA_DIR"):
        console.print("Other commands on the same data:")
        console.print(f"  VPP_DATA_DIR={folder} .venv/bin/python manage.py ...", soft_wrap=True)
        console.print(f"The next demo goes on from these data; to begin anew, stop and delete {folder}", soft_wrap=True)
    console.print("Stop with Ctrl-C.")


def _positions(result: dict[str, Any]) -> Table:
    table = Table(
        title=f"Delivery day {result['delivery_date']} on {result['grid']}: {result['intervals']} intervals, "
        f"prices: {result['price_source']}",
        caption="MWh for energy and asks, MW times hours for reserve (delivered: what was called); "
        "share = delivered / called; EUR",
    )
    for heading in ("portfolio", "market or ask"):
        table.add_column(heading)
    for heading in ("bid", "awarded", "delivered", "share", "revenue", "penalty"):
        table.add_column(heading, justify="right")
    for row in result["positions"]:
        share = "-" if row["share"] is None else f"{row['share']:.1%}"
        table.add_row(
            row["portfolio"], row["what"], f"{row['bid_mwh']:.3f}", f"{row['awarded_mwh']:.3f}",
            f"{row['delivered_mwh']:.3f}", share, f"{row['revenue']:.2f}", f"{row['penalty']:.2f}",
        )  # fmt: skip
    return table


def _money(result: dict[str, Any]) -> Table:
    table = Table(title="Who gets it, EUR")
    table.add_column("owner group")
    table.add_column("payout", justify="right")
    for group, amount in result["payouts_by_owner_group"].items():
        table.add_row(group, f"{amount:.2f}")
    table.add_section()
    totals = result["totals"]
    for name in ("payouts", "margin", "fees", "revenue", "penalty"):
        table.add_row(name, f"{totals[name]:.2f}")
    table.caption = "payouts + margin + fees = revenue, to the cent" if result["balanced"] else "DOES NOT BALANCE"
    return table


def _print_trace(console: Console, trace: dict[str, Any] | None) -> None:
    if trace is None:
        console.print("No payout, so there is no trace.")
        return
    console.print("Trace of the largest payout, from the money back to the readings:")
    for step, value in trace.items():
        console.print(f"  {step}: {_short(value)}", highlight=False, soft_wrap=False, overflow="ellipsis", no_wrap=True)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_scalar(item)}" for key, item in value.items() if not isinstance(item, dict))
    if isinstance(value, list):
        return f"{len(value)} rows; first: {_short(value[0])}" if value else "none"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return f"[{len(value)}]" if isinstance(value, list) else str(value)


def _seconds(result: dict[str, Any]) -> Table:
    table = Table(title=f"Wall time on {os.cpu_count()} cores")
    table.add_column("stage")
    table.add_column("s", justify="right")
    for name, seconds in result["seconds"].items():
        table.add_row(name, f"{seconds:.1f}")
    table.add_section()
    table.add_row("all", f"{sum(result['seconds'].values()):.1f}")
    return table
