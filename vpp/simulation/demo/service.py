"""The service under the demo: set up by its own commands, served over HTTP, working its jobs in this process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path
from socket import socket
from typing import Any

from django.core.management import call_command

from vpp.accounts import operations as accounts
from vpp.accounts.authentication import client_of_token
from vpp.accounts.models import Participant
from vpp.jobs import operations as jobs
from vpp.jobs import relay
from vpp.jobs.models import Job
from vpp.jobs.web import WebServer
from vpp.lib import clock
from vpp.simulation.client import Client

UTILITY = "dso.demo"
MARKET_OPERATOR = "market.de"
AGGREGATOR = "aggregator"

CLIENTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # name: participant, its kind, scopes
    "gateway": (AGGREGATOR, Participant.Kind.AGGREGATOR, ("read", "telemetry:write", "dispatch:read")),
    "reader": (AGGREGATOR, Participant.Kind.AGGREGATOR, ("read",)),
    "utility": (UTILITY, Participant.Kind.UTILITY, ("read", "asks:write")),
    "market": (MARKET_OPERATOR, Participant.Kind.MARKET, ("read", "awards:write")),
}
NAMES = {AGGREGATOR: "The aggregator", UTILITY: "Simulated utility", MARKET_OPERATOR: "Simulated power exchange"}


class DemoFailed(RuntimeError):
    """A step of the demo did not do what it must; the message says which and why."""


@dataclass
class Service:
    """A running service and tokens for everybody who talks to it."""

    url: str
    tokens: dict[str, str]

    def client(self, name: str) -> Client:
        return Client(self.url, self.tokens[name])

    def run_job(self, enqueue: Callable[[], Job]) -> dict[str, Any]:
        """Write a job and wait until relay and worker have done it; its result."""
        job = enqueue()
        while job.state in jobs.ALIVE:
            time.sleep(0.05)
            job.refresh_from_db()
        if job.state != Job.State.DONE:
            raise DemoFailed(f"job {job.natural_key} ended {job.state}: {job.error}")
        return job.result or {}


@contextmanager
def running_service(listening: socket, tokens_file: Path) -> Iterator[Service]:
    """Web server, relay and workers in this process, for as long as the block runs."""
    tokens = ensure_tokens(tokens_file)
    with relay.embedded(), WebServer(listening) as server:
        yield Service(server.url, tokens)


def run_command(*words: str) -> str:
    """A staff command, by its public name; what it printed."""
    output = StringIO()
    call_command(*words, stdout=output)
    return output.getvalue()


def ensure_tokens(path: Path) -> dict[str, str]:
    """A token for each client; those of an earlier demo are used again while they open the door."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    tokens = {name: _ensure_token(name, known.get(name, "")) for name in CLIENTS}
    if tokens != known:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(tokens, file)
    return tokens


def _ensure_token(name: str, token: str) -> str:
    if token and client_of_token(token) is not None:
        return token
    code, kind, scopes = CLIENTS[name]
    participant = accounts.ensure_participant(code=code, name=NAMES[code], kind=kind)
    _, fresh = accounts.create_client(participant=participant, name=f"demo {name}", scopes=scopes, at=clock.now())
    return fresh


def staff_password(at: datetime) -> tuple[str, str]:
    """The console login of the demo: user name and a password that holds until the next demo."""
    aggregator = Participant.objects.get(code=AGGREGATOR)
    user, password = accounts.create_staff_user(username="demo", participant=aggregator, role="ADMIN", at=at)
    return user.username, password
