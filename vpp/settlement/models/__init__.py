"""Settlement's tables: dated rules, what a run found, the ledger, statements, and what others say."""

from vpp.settlement.models.certification import Certification, CertificationFit, SiteMethod
from vpp.settlement.models.disputes import (
    Dispute,
    DisputeEvent,
    ReviewFinding,
    UtilityStatement,
    UtilityStatementLine,
)
from vpp.settlement.models.ledger import Journal, JournalLine, LedgerAccount, LedgerPeriod, Payout
from vpp.settlement.models.results import DevicePerformance, Performance, ReferenceDay, SettlementRun
from vpp.settlement.models.rules import (
    BaselineProfile,
    ComponentRule,
    DeviceMethod,
    Holiday,
    PaymentRule,
    ResettlementStep,
)
from vpp.settlement.models.statements import (
    BankAccount,
    NumberSeries,
    Payment,
    PaymentFile,
    Statement,
    StatementEvent,
    StatementLine,
)
from vpp.settlement.models.terms import ComponentInput, ProductTerms

__all__ = [
    "BankAccount",
    "BaselineProfile",
    "Certification",
    "CertificationFit",
    "ComponentInput",
    "ComponentRule",
    "DeviceMethod",
    "DevicePerformance",
    "Dispute",
    "DisputeEvent",
    "Holiday",
    "Journal",
    "JournalLine",
    "LedgerAccount",
    "LedgerPeriod",
    "NumberSeries",
    "Payment",
    "PaymentFile",
    "PaymentRule",
    "Payout",
    "Performance",
    "ProductTerms",
    "ReferenceDay",
    "ResettlementStep",
    "ReviewFinding",
    "SettlementRun",
    "SiteMethod",
    "Statement",
    "StatementEvent",
    "StatementLine",
    "UtilityStatement",
    "UtilityStatementLine",
]
