"""What settlement does: settle a closed day, restate it, and prove that an old run still comes out the same."""

from vpp.settlement.operations.certification import NothingToAdopt, adopt_certification, certify_devices
from vpp.settlement.operations.disputes import DisputeStepRefused, step_dispute
from vpp.settlement.operations.payments import PaymentRefused, PaymentRun, pay_accepted
from vpp.settlement.operations.periods import LedgerOutOfBalance, PeriodNotOver, PeriodOverlaps, close_period
from vpp.settlement.operations.review import (
    AlreadyDecided,
    ReasonMissing,
    decide_finding,
    deny_payout,
    release_payout,
    review_run,
)
from vpp.settlement.operations.settle import (
    REVIEW_RUN,
    DayNotClosed,
    MixedCurrencies,
    VersionOutOfOrder,
    enqueue_day,
    restate_changed,
    restate_day,
    settle_day,
)
from vpp.settlement.operations.statements import (
    StatementsOverlap,
    StatementStepRefused,
    finalise,
    make_statements,
    step_statement,
)
from vpp.settlement.operations.terms import BadTerms, add_component_input, add_terms
from vpp.settlement.operations.utility_statements import (
    BadUtilityStatement,
    Tolerance,
    UtilityStatementDiffers,
    import_utility_statement,
    take_utility_statement,
)
from vpp.settlement.operations.verify import ResultDiffers, verify_run

__all__ = [
    "REVIEW_RUN",
    "BadTerms",
    "add_component_input",
    "add_terms",
    "NothingToAdopt",
    "adopt_certification",
    "certify_devices",
    "AlreadyDecided",
    "ReasonMissing",
    "deny_payout",
    "release_payout",
    "decide_finding",
    "review_run",
    "BadUtilityStatement",
    "Tolerance",
    "import_utility_statement",
    "DisputeStepRefused",
    "UtilityStatementDiffers",
    "step_dispute",
    "take_utility_statement",
    "DayNotClosed",
    "LedgerOutOfBalance",
    "MixedCurrencies",
    "PaymentRefused",
    "PaymentRun",
    "PeriodNotOver",
    "PeriodOverlaps",
    "StatementStepRefused",
    "StatementsOverlap",
    "close_period",
    "finalise",
    "make_statements",
    "pay_accepted",
    "step_statement",
    "ResultDiffers",
    "VersionOutOfOrder",
    "enqueue_day",
    "restate_changed",
    "restate_day",
    "settle_day",
    "verify_run",
]
