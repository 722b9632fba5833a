"""A setpoint's life in the database: whatever comes late, twice or in another order moves rows by the table's steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.apps.dispatch.makers import NOON, POWERS
from tests.effort import how_many
from tests.factories import make_device, make_portfolio
from vpp.dispatch import setpoint_rows
from vpp.dispatch.answers import Answers, store_answers
from vpp.dispatch.kernels.life import STEPS, UNANSWERED, states_before
from vpp.dispatch.models import ControlCycle, Setpoint
from vpp.dispatch.outbox import mark_sent, waiting_setpoints
from vpp.enrollment.models import Device, Portfolio

QUARTER = timedelta(minutes=15)
VALID = timedelta(minutes=20)

pytestmark = pytest.mark.django_db


@dataclass
class Life:
    """One device; what is expected of each of its rows, by what happened so far."""

    device: Device
    portfolio: Portfolio
    minute: int = 0
    expected: dict[int, str] = field(default_factory=dict)
    written: dict[int, tuple[int, int]] = field(default_factory=dict)  # interval, sequence by id
    under_way: list[int] = field(default_factory=list)

    def happens(self, what: str, number: int) -> None:
        getattr(self, what)(number)
        assert dict(Setpoint.objects.values_list("pk", "state")) == self.expected

    def goes_to(self, pk: int, wished: str) -> None:
        """What the table does not allow changes nothing."""
        if wished in STEPS[self.expected[pk]]:
            self.expected[pk] = wished

    @property
    def now(self):
        return NOON + timedelta(minutes=self.minute)

    @property
    def newest(self) -> int | None:
        return max(self.written, key=lambda pk: self.written[pk], default=None)

    def passes(self, number: int) -> None:
        self.minute += number

    def writes(self, number: int) -> None:
        """The control cycle: another revision of the running interval."""
        interval = self.minute // 15
        start, sequence = NOON + interval * QUARTER, sum(one[0] == interval for one in self.written.values())
        cycle = ControlCycle.objects.create(
            portfolio=self.portfolio, interval_start=start, revision=sequence, at=self.now, written=1, unavailable=0,
            **dict.fromkeys(POWERS, 0.0),
        )  # fmt: skip
        new = setpoint_rows.NewSetpoints(
            device_id=np.array([self.device.pk]), portfolio_id=np.array([self.portfolio.pk]),
            target_kw=np.array([-float(number)]), baseline_kw=np.zeros(1), released=np.zeros(1, dtype=bool),
            expires_s=np.array([int((start + VALID).timestamp())]),
        )  # fmt: skip
        setpoint_rows.write(new, np.array([cycle.pk]), start=start, sequence=sequence, at=self.now)
        for pk, (of_interval, _) in self.written.items():
            if of_interval == interval:
                self.goes_to(pk, "SUPERSEDED")
        pk = Setpoint.objects.latest("pk").pk
        self.expected[pk], self.written[pk] = "PLANNED", (interval, sequence)

    def sends(self, number: int) -> None:
        """A gateway that may know nothing of what it sent before."""
        waiting = waiting_setpoints(self.now).id.tolist()
        newest = self.newest
        in_force = newest is not None and self.now < NOON + self.written[newest][0] * QUARTER + VALID
        assert waiting == ([newest] if in_force and self.expected[newest] in UNANSWERED else [])
        assert mark_sent(waiting, self.now) == set(waiting)
        for pk in waiting:
            self.goes_to(pk, "SENT")
        self.under_way += waiting

    def answers(self, number: int) -> None:
        """Any command, in any order, perhaps again, perhaps differently."""
        if self.under_way:
            pk, refused = self.under_way[number % len(self.under_way)], number % 3 == 0
            answers = Answers()
            answers.add(pk, self.device.code, "too warm" if refused else None)
            store_answers(answers, self.now)
            self.goes_to(pk, "REFUSED" if refused else "ACKNOWLEDGED")

    def judges(self, number: int) -> None:
        if self.written:
            pk, verdict = sorted(self.written)[number % len(self.written)], ("FOLLOWED", "MISSED")[number % 2]
            setpoint_rows.judge(np.array([pk]), [verdict], np.array([1.0]), [""], at=self.now)
            self.goes_to(pk, verdict)

    def forgets(self, number: int) -> None:
        """Ends what was never fetched."""
        before = NOON + (self.minute // 15) * QUARTER
        setpoint_rows.expire_unsent([self.portfolio.pk], before=before, at=self.now)
        for pk, (interval, _) in self.written.items():
            start = NOON + interval * QUARTER
            if self.expected[pk] == "PLANNED" and start < before and start + VALID <= self.now:
                self.expected[pk] = "EXPIRED"


HAPPENS = st.tuples(st.sampled_from(["writes", "sends", "answers", "judges", "forgets", "passes"]), st.integers(1, 10))


@settings(
    max_examples=how_many("VPP_LIFE_SEQUENCES", usual=20, thorough=1_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(HAPPENS, min_size=15, max_size=40))
def test_whatever_happens_in_whatever_order_rows_move_as_the_table_says(events: list[tuple[str, int]]) -> None:
    with transaction.atomic():
        device = make_device()
        life = Life(device, make_portfolio(devices=[device]))
        life.happens("writes", 1)
        for what, number in events:
            life.happens(what, number)
        transaction.set_rollback(True)


def test_every_state_can_be_reached_and_what_ended_stays() -> None:
    assert all(states_before(state) for state in STEPS if state != "PLANNED")
    assert [state for state, after in STEPS.items() if not after] == ["MISSED", "REFUSED", "EXPIRED", "SUPERSEDED"]
