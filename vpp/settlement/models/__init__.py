"""Settlement's tables: the dated rules, what a run found, and the ledger."""

from vpp.settlement.models.ledger import Journal, JournalLine, LedgerAccount, Payout
from vpp.settlement.models.results import DevicePerformance, Performance, ReferenceDay, SettlementRun
from vpp.settlement.models.rules import BaselineProfile, DeviceMethod, Holiday, PaymentRule

__all__ = [
    "BaselineProfile",
    "DeviceMethod",
    "DevicePerformance",
    "Holiday",
    "Journal",
    "JournalLine",
    "LedgerAccount",
    "PaymentRule",
    "Payout",
    "Performance",
    "ReferenceDay",
    "SettlementRun",
]
