"""What the trial's commands say when the service does not answer as it should."""

from __future__ import annotations

from vpp.simulation.client import HttpRefused, Unreachable
from vpp.simulation.trial import away


def test_a_service_that_does_not_know_the_trial_is_named_as_another_one() -> None:
    refused = HttpRefused("GET", "/api/v1/dispatch/setpoints", 401, "authentication_failed", "unknown token")
    assert "another service on that port" in away(refused) and "--bind" in away(refused)
    busy = HttpRefused("GET", "/api/v1/dispatch/setpoints", 503, "busy", "try again")
    for error in (busy, Unreachable("connection refused")):
        assert away(error).startswith("the service is away: ")
