"""A job travels from its row through relay, broker and worker and back, in memory and through the real brokers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import requests
from django.db.models import QuerySet

from tests import processes, servers
from vpp.jobs import operations, relay
from vpp.jobs.actors import PING
from vpp.jobs.identity import this_process
from vpp.jobs.models import Job

pytestmark = pytest.mark.django_db(transaction=True)
BUSY_S = 150  # a worker process takes half a minute to come up where everything else is under test
BROKERS = {"redis": servers.redis, "rabbitmq": servers.rabbitmq}


def enqueue_pings(at, count: int) -> None:
    for number in range(count):
        operations.enqueue(kind=PING, natural_key=f"ping {number}", payload={"sent_by": this_process()}, at=at)


def done() -> int:
    """Pings that came back; the relay also fills the day's schedule, which is not counted."""
    return pings().filter(state=Job.State.DONE).count()


def pings() -> QuerySet[Job]:
    return Job.objects.filter(kind=PING)


def test_the_in_memory_broker_runs_jobs_inside_this_process(at):
    enqueue_pings(at, 5)
    with relay.embedded():
        processes.wait_until(lambda: done() == 5)
    assert {job.result["answered_by"] for job in pings()} == {this_process()}


@pytest.mark.broker
@pytest.mark.parametrize("kind", ["redis", pytest.param("rabbitmq", marks=pytest.mark.thorough)])
def test_a_real_broker_carries_jobs_to_a_worker_process_and_a_killed_worker_loses_none(kind, at, tmp_path):
    with BROKERS[kind](tmp_path) as url, processes.running("relay", VPP_BROKER_URL=url):
        with processes.running("worker", VPP_BROKER_URL=url) as worker:
            enqueue_pings(at, 3)
            processes.wait_until(lambda: done() == 3, timeout_s=BUSY_S, about=pings().values)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        operations.enqueue(kind=PING, natural_key="after the kill", payload={"sent_by": "tests"}, at=at)
        with processes.running("worker", VPP_BROKER_URL=url):
            processes.wait_until(lambda: done() == 4, timeout_s=BUSY_S, about=pings().values)
            assert processes.run("doctor", "--round-trip", VPP_BROKER_URL=url).returncode == 0
    assert {job.attempts for job in pings()} == {1}


def test_relay_and_serve_end_cleanly_on_sigterm(at):
    enqueue_pings(at, 1)
    port = servers.free_port()
    works = {
        ("relay",): lambda: not pings().filter(state=Job.State.PENDING).exists(),
        ("serve", "--bind", f"127.0.0.1:{port}", "--no-migrate"): lambda: answers(port),
    }
    for command, at_work in works.items():
        with processes.running(*command) as process:
            processes.wait_until(at_work, timeout_s=BUSY_S)
            assert process.poll() is None
            process.terminate()
            assert process.wait(timeout=60) == 0


def test_doctor_names_what_is_wrong_and_the_remedy():
    done_ = processes.run("doctor", VPP_BROKER_URL="redis://127.0.0.1:1/0")
    assert done_.returncode == 1
    assert "VPP_BROKER_URL" in done_.stdout


def test_web_processes_share_a_port_and_one_that_dies_is_replaced():
    port = servers.free_port()
    with processes.running("web", "--bind", f"127.0.0.1:{port}", "--processes", "2") as parent:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        processes.wait_until(lambda: answers(port), timeout_s=BUSY_S)
        first, second = children.read_text().split()
        os.kill(int(first), signal.SIGKILL)
        processes.wait_until(lambda: len(set(children.read_text().split()) - {first, second}) == 1, timeout_s=BUSY_S)
        processes.wait_until(lambda: answers(port), timeout_s=BUSY_S)
        parent.terminate()
        assert parent.wait(timeout=60) == 0
    assert not answers(port)


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/health/live", timeout=20).status_code == 200
    except requests.ConnectionError:
        return False
