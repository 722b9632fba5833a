"""The payment file has the structure of pain.001.001.09, and what has not is told with its line."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from vpp.settlement.kernels.pain001 import Party, Transfer, payment_file
from vpp.settlement.kernels.pain001_check import structure_faults

DEBTOR = Party("Aggregator & Söhne GmbH", "DE89 3704 0044 0532 0130 00", "COBADEFFXXX")
ACCOUNTS = ("NL91ABNA0417164300", "FR1420041010050500013M02606")


def file_of(*cents: int) -> str:
    transfers = [
        Transfer(
            Party(f"Owner {number}", ACCOUNTS[number % 2], "" if number % 2 else "ABNANL2A"),
            Decimal(amount) / 100,
            f"STATEMENT-{number}",
            "Statement <1>, 2016-07-01 to 2016-07-31, " + "x" * 200,
        )
        for number, amount in enumerate(cents)
    ]
    return payment_file(
        message_id="VPP-1", created_at=datetime(2016, 8, 1, tzinfo=UTC), execution_date=date(2016, 8, 2),
        debtor=DEBTOR, transfers=transfers, currency="EUR",
    )  # fmt: skip


def test_what_is_written_has_the_structure_that_banks_check() -> None:
    assert structure_faults(file_of(1, 123_456, 99_999_999)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("<PmtMtd>TRF</PmtMtd>", "", "PmtMtd"),
        ('Ccy="EUR"', 'Ccy="eur"', "pattern"),
        ("<NbOfTxs>2</NbOfTxs>", "<NbOfTxs>3</NbOfTxs>", "NbOfTxs is not 2"),
        ("<CtrlSum>3.00</CtrlSum>", "<CtrlSum>4.00</CtrlSum>", "CtrlSum is not 3.00"),
        ("STATEMENT-1", "STATEMENT-0", "stands twice"),
        ("NL91ABNA0417164300", "NL91ABNA0417164301", "check digits of NL91ABNA0417164301"),
        ("2016-08-02", "2016-13-02", "2016-13-02"),
        ("<Nm>Owner 0</Nm>", f"<Nm>{'x' * 71}</Nm>", "71"),
        ("</Document>", "", "not XML"),
    ],
)
def test_every_fault_is_named(old: str, new: str, fault: str) -> None:
    good = file_of(100, 200)
    assert old in good
    assert any(fault in found for found in structure_faults(good.replace(old, new)))
