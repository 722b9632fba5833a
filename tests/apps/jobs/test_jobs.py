"""A job is a row: once per key, one holder at a time, retried by rule, given up loudly."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from tests.apps.jobs.handlers import declare
from vpp.accounts.models import AuditEvent
from vpp.jobs import operations, relay
from vpp.jobs.identity import process_is_dead, this_process
from vpp.jobs.models import Job

pytestmark = pytest.mark.django_db
declare()


def enqueue(at, key="a", **payload):
    return operations.enqueue(kind="tests.mark", natural_key=key, payload={"text": key} | payload, at=at)


def marks() -> int:
    return AuditEvent.objects.filter(action="tests.mark").count()


def test_a_repeat_finds_the_first_job_and_runs_once(at):
    assert enqueue(at).pk == enqueue(at).pk
    assert operations.run_pending() == 1
    assert operations.run_pending() == 0
    job = Job.objects.get()
    assert (job.state, job.result, marks()) == ("DONE", {"text": "a"}, 1)


def test_the_same_key_with_other_content_is_refused(at):
    enqueue(at)
    with pytest.raises(operations.JobContentDiffers):
        enqueue(at, fail="other")


def test_an_unknown_kind_is_refused_when_it_is_written(at):
    with pytest.raises(operations.UnknownJobKind):
        operations.enqueue(kind="tests.nothing", natural_key="x", payload={}, at=at)


def test_a_job_of_a_rolled_back_transaction_never_existed(at):
    with pytest.raises(RuntimeError), transaction.atomic():
        enqueue(at)
        raise RuntimeError
    assert not Job.objects.exists()


def test_an_expected_error_ends_the_job_without_a_retry(at):
    enqueue(at, fail="expected")
    assert operations.run_pending() == 1
    job = Job.objects.get()
    assert (job.state, job.attempts) == ("FAILED", 1)
    assert "Expected" in job.error


def test_a_failing_job_waits_longer_each_time_and_is_then_given_up(at):
    enqueue(at, fail="boom")
    for attempt in (1, 2, 3):
        assert operations.run_pending() == 1
        job = Job.objects.get()
        assert job.attempts == attempt
        Job.objects.update(run_after=operations.wall_now() - timedelta(seconds=1))
    assert job.state == "DEAD"
    assert operations.run_pending() == 0


def test_a_retry_by_hand_gives_a_dead_job_another_round(at):
    enqueue(at, fail="expected")
    operations.run_pending()
    operations.retry(job=Job.objects.get())
    assert operations.run_pending() == 1


def test_a_job_past_its_deadline_is_given_up_unrun(at):
    operations.enqueue(
        kind="tests.mark", natural_key="late", payload={"text": "late"}, at=at, deadline=at + timedelta(hours=1)
    )
    operations.run_pending()
    assert (Job.objects.get().state, marks()) == ("DEAD", 0)


def test_a_lease_that_runs_out_is_handed_over_and_the_late_holder_does_nothing(at):
    enqueue(at)
    (first,) = operations.lease_due()
    assert operations.lease_due() == []
    Job.objects.update(lease_until=operations.wall_now() - timedelta(seconds=1))
    (second,) = operations.lease_due()
    assert (first.attempts, second.attempts) == (1, 2)
    operations.run_leased(job_id=first.pk, attempt=first.attempts)
    assert marks() == 0
    operations.run_leased(job_id=second.pk, attempt=second.attempts)
    operations.run_leased(job_id=second.pk, attempt=second.attempts)
    assert marks() == 1


def test_leases_of_a_dead_process_come_back_at_once(at):
    enqueue(at)
    operations.lease_due()
    host, _, _ = this_process().split(":")
    Job.objects.update(lease_owner=f"{host}:4194304:1")
    assert process_is_dead(f"{host}:4194304:1")
    assert not process_is_dead(this_process())
    assert not process_is_dead("elsewhere:1:1")
    assert len(operations.lease_due()) == 1


def test_what_the_broker_did_not_take_is_due_again_and_costs_no_attempt(at, monkeypatch):
    sent: list[int] = []

    class Broker:
        def get_actor(self, kind):
            return self

        def send(self, *, job_id, attempt):
            if len(sent) == 1:
                raise ConnectionError("the broker went away")
            sent.append(job_id)

    first, second, third = (enqueue(at, key) for key in "abc")
    monkeypatch.setattr("dramatiq.get_broker", Broker)
    with pytest.raises(ConnectionError):
        relay.hand_out()
    states = {job.pk: (job.state, job.attempts) for job in Job.objects.all()}
    assert states == {first.pk: ("LEASED", 1), second.pk: ("LEASED", 1), third.pk: ("PENDING", 0)}
    wait = Job.objects.get(pk=second.pk).lease_until - operations.wall_now()
    assert wait <= timedelta(seconds=operations.DOUBTFUL_LEASE_S)
    operations.run_leased(job_id=second.pk, attempt=1)  # it had arrived after all
    assert (Job.objects.get(pk=second.pk).state, marks()) == ("DONE", 1)
