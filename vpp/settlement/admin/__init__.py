"""The admin of settlement; what the service writes is read-only."""

from vpp.settlement.admin import documents, settling

__all__ = ["documents", "settling"]
