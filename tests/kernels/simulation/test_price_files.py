"""Price series from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vpp.simulation.price_files import BadPriceFile, read_price_file


def write(folder: Path, text: str) -> Path:
    path = folder / "prices.csv"
    path.write_text(text)
    return path


def test_a_price_holds_until_the_next_one(tmp_path: Path) -> None:
    series = read_price_file(
        write(tmp_path, "start,price\n2016-07-14T01:00:00+02:00,-5.5\n2016-07-14T00:00:00+02:00,30\n")
    )
    asked = np.array(["2016-07-13T22:00", "2016-07-13T22:45", "2016-07-13T23:15"], dtype="datetime64[s]")
    np.testing.assert_array_equal(series.at(asked), [30.0, 30.0, -5.5])
    with pytest.raises(BadPriceFile, match="no price for"):
        series.at(np.array(["2016-07-13T21:45"], dtype="datetime64[s]"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("begin,price\n2016-07-14T00:00:00Z,1\n", "columns start and price"),
        ("start,price\n", "columns start and price"),
        ("start,price\n2016-07-14T00:00:00,1\n", "row 2, column start"),
        ("start,price\n2016-07-14T00:00:00Z,1\n2016-07-14T00:00:00Z,2\n", "row 3, column start"),
        ("start,price\n2016-07-14T00:00:00Z,dear\n", "row 2, column price: 'dear'"),
        ("start,price\n2016-07-14T00:00:00Z,nan\n", "row 2, column price"),
    ],
)
def test_a_bad_file_names_row_column_and_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BadPriceFile, match=reason):
        read_price_file(write(tmp_path, text))
