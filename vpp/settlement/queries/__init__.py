"""Read-only questions: what a settlement needs, what a run found, where a payout comes from."""

from vpp.settlement.queries.baselines import baseline_answer
from vpp.settlement.queries.books import ledger_entries
from vpp.settlement.queries.certification import certifications, certify_device
from vpp.settlement.queries.components import component_answer
from vpp.settlement.queries.inputs import DayInputs, day_inputs
from vpp.settlement.queries.ledger import account_balances, posted_amounts, trial_balance
from vpp.settlement.queries.reports import day_totals, performance_report, performances_of
from vpp.settlement.queries.resettlement import resettlement_dates
from vpp.settlement.queries.trace import trace_payout

__all__ = [
    "DayInputs",
    "account_balances",
    "baseline_answer",
    "certifications",
    "certify_device",
    "component_answer",
    "day_inputs",
    "day_totals",
    "ledger_entries",
    "performance_report",
    "performances_of",
    "posted_amounts",
    "resettlement_dates",
    "trace_payout",
    "trial_balance",
]
