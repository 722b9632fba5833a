"""The admin of settlement; what the service writes is read-only."""

from vpp.settlement.admin import documents, rules, settling

__all__ = ["documents", "rules", "settling"]
