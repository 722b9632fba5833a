"""Files that describe markets: taken in whole or not at all, gates by the market's own clock."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from bidding import operations
from bidding.models import Product
from bidding.operations.drafts import day_of, gate_of
from tests.apps.bidding.world import MARKET_FILE


def test_the_german_markets_close_at_their_own_wall_clock_times(db):
    """Nine, ten and twelve local; on the day after the clocks change too. A restoration reserve block is one of six."""
    document = json.loads((MARKET_FILE.parent / "german_markets.json").read_text())
    operations.import_markets(document, at=datetime(2026, 1, 1, tzinfo=UTC))
    gates = {
        product.code: gate_of(product, day_of(product, date(2026, 3, 30))).hour
        for product in Product.objects.select_related("market")
    }
    assert gates == {"ENERGY-15": 10, "AFRR-UP-4H": 7, "AFRR-DOWN-4H": 7, "MFRR-UP-4H": 8, "MFRR-DOWN-4H": 8}
    for product in Product.objects.exclude(kind=Product.Kind.ENERGY):
        assert product.pay_rule == Product.PayRule.PAY_AS_BID and product.min_quantity_kw == 1000.0
        assert "read:" in product.source and "recalled:" in product.source


def test_a_market_file_is_imported_whole_or_not_at_all(db, tmp_path):
    out, err = StringIO(), StringIO()
    call_command("import_markets", str(MARKET_FILE), stdout=out)
    call_command("import_markets", str(MARKET_FILE), stdout=out)
    assert "3 markets, 4 products" in out.getvalue() and Product.objects.count() == 4
    document = json.loads(MARKET_FILE.read_text())
    document["markets"][0]["code"] = "NEW"
    document["markets"][1]["gate_local_time"] = "noon"
    document["markets"][2]["products"][0] |= {"kind": "POWER", "colour": "red"}
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(document))
    with pytest.raises(CommandError, match="3 findings"):
        call_command("import_markets", str(bad), stdout=out, stderr=err)
    assert "markets[1].gate_local_time" in err.getvalue() and "colour: unknown" in err.getvalue()
    assert Product.objects.count() == 4
    bad.write_text("{")
    with pytest.raises(CommandError, match="line 1, column 2"):
        call_command("import_markets", str(bad), stdout=out, stderr=err)
