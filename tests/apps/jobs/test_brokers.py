"""A job travels from its row through relay, broker and worker and back, in memory and through the real brokers."""

from __future__ import annotations

import signal

import pytest
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
@pytest.mark.parametrize("kind", BROKERS)
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


def test_relay_and_serve_end_cleanly_on_sigterm():
    for command in (["relay"], ["serve", "--bind", "127.0.0.1:0", "--no-migrate"]):
        with processes.running(*command) as process:
            with pytest.raises(Exception, match="timed out"):
                process.wait(timeout=10)  # starts up, on a busy machine too
            process.terminate()
            assert process.wait(timeout=20) == 0


def test_doctor_names_what_is_wrong_and_the_remedy():
    done_ = processes.run("doctor", VPP_BROKER_URL="redis://127.0.0.1:1/0")
    assert done_.returncode == 1
    assert "VPP_BROKER_URL" in done_.stdout
