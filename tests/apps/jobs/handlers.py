"""Job kinds that only tests use; each run leaves a mark in the audit trail, which survives threads and processes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.factories import make_participant
from vpp.accounts import operations as accounts
from vpp.jobs.handlers import HANDLERS, job_handler


class Expected(Exception):
    """Ends a job without a retry."""


def declare() -> None:
    if "tests.mark" in HANDLERS:
        return

    @job_handler("tests.mark", queue="tests", time_limit_s=5, max_attempts=3, throws=(Expected,), first_wait_s=1)
    def mark(*, at: datetime, text: str, fail: str = "") -> dict[str, Any]:
        accounts.audit(at=at, actor="tests", action="tests.mark", subject=make_participant(), reason=text)
        if fail == "expected":
            raise Expected(text)
        if fail:
            raise RuntimeError(fail)
        return {"text": text}
