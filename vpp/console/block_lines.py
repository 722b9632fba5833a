"""Block orders as lines of text, the way a trader types them: "B1 18:00-21:00 500 80".

A name, then a run: from and until by the market's wall clock (02:15B is the second pass of a repeated hour), kW (sold,
or bought with a minus), the limit price. A loop has a second run on the same line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from vpp.console.ask_form import STEP_MINUTES
from vpp.console.day_window import window
from vpp.console.numbers import plain_number, shown
from vpp.lib.periods import DeliveryDay

RUN = re.compile(r"(\d{1,2}:\d{2}B?)\s*[-–]\s*(\d{1,2}:\d{2}B?)\s+(-?\d+(?:[.,]\d+)?)\s+(-?\d+(?:[.,]\d+)?)")


def blocks_of_lines(text: str, day: date, zone: str) -> list[dict[str, Any]]:
    """The blocks as a bid stores them. Raises ValueError with the line that cannot be read."""
    return [_block(line.strip(), day, zone) for line in text.splitlines() if line.strip()]


def _block(line: str, day: date, zone: str) -> dict[str, Any]:
    first = RUN.search(line)
    name, rest = (line[: first.start()].strip(), line[first.start() :]) if first else ("", "")
    runs = RUN.findall(rest)
    if not name or RUN.sub("", rest).strip() or len(runs) > 2:
        raise ValueError(gettext("“%(line)s” is not a block: name, from-until, kW, price.") % {"line": line})
    count = DeliveryDay(day, zone, STEP_MINUTES).n_intervals
    up_kw, down_kw = [0.0] * count, [0.0] * count
    limits: dict[str, float] = {}
    for begins, ends, *typed in runs:
        kw, price = (float(_number(text, line)) for text in typed)
        inside = window(day, zone, _clock(begins, line), _clock(ends, line), count)
        side, key = (up_kw, "price_per_mwh") if kw >= 0 else (down_kw, "buy_price_per_mwh")
        for index in inside.nonzero()[0]:
            side[index] = abs(kw)
        limits[key] = price
    if len(limits) == 1:  # a block that only buys has its limit under the one name
        limits = {"price_per_mwh": next(iter(limits.values()))}
    return {"name": name, "up_kw": up_kw, "down_kw": down_kw} | limits


def _number(text: str, line: str) -> str:
    try:
        return plain_number(text)
    except ValidationError as error:
        raise ValueError(f"“{line}”: {error.message}") from None


def _clock(text: str, line: str) -> time:
    hour, minute = (int(part) for part in text.removesuffix("B").split(":"))
    try:
        return time(hour % 24, minute, fold=int(text.endswith("B")))
    except ValueError:
        raise ValueError(gettext("“%(line)s”: %(text)s is no time of day.") % {"line": line, "text": text}) from None


def lines_of_blocks(blocks: Sequence[Mapping[str, Any]], day: DeliveryDay) -> str:
    """A bid's blocks as lines."""
    labels = [*day.local_labels(), "24:00"]
    lines = []
    for block in blocks:
        sale = float(block["price_per_mwh"])
        parts = [str(block["name"])]
        for side, sign, price in (("down_kw", "-", block.get("buy_price_per_mwh", sale)), ("up_kw", "", sale)):
            moved = [index for index, kw in enumerate(block[side]) if kw > 0]
            if moved:
                run = f"{labels[moved[0]]}-{labels[moved[-1] + 1]}"
                parts.append(f"{run} {sign}{shown(max(block[side]))} {shown(float(price))}")
        lines.append(" ".join(parts))
    return "\n".join(lines)
