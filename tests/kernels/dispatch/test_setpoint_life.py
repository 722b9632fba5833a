"""A setpoint's life under lost, doubled and reordered messages, restarts and passing time."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.effort import how_many
from vpp.dispatch.kernels.life import STEPS, IllegalStep, Key, acts_on, after_event, may_send, moved


@dataclass
class Row:
    """The setpoint as the database has it."""

    key: Key
    expires: float
    state: str = "PLANNED"
    history: list[str] = field(default_factory=lambda: ["PLANNED"])

    def step(self, wished: str) -> None:
        if after_event(self.state, wished) != self.state:
            self.state = moved(self.state, wished)
            self.history.append(wished)


class Life(RuleBasedStateMachine):
    """One device, its rows, a gateway that forgets when it restarts, and a network that does as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.rows: list[Row] = []
        self.network: list[tuple[int, float]] = []  # commands under way: row number, when it was sent
        self.answers: list[tuple[int, str]] = []
        self.gateway_knows: set[int] = set()
        self.last: Key | None = None
        self.acted: list[tuple[Key, float, float]] = []  # key, expiry, when

    @rule(later=st.booleans(), valid=st.integers(1, 4))
    def control_cycle_writes(self, later: bool, valid: int) -> None:
        newest = self.rows[-1].key if self.rows else None
        interval = float(int(self.now))
        if newest is not None and newest.interval == interval:
            for row in self.rows:
                if row.key.interval == interval and row.state in ("PLANNED", "SENT", "ACKNOWLEDGED"):
                    row.step("SUPERSEDED")
            self.rows.append(Row(Key(interval, newest.sequence + 1), interval + valid))
        elif newest is None or later:
            self.rows.append(Row(Key(interval, 0), interval + valid))

    @rule(resend=st.booleans())
    @precondition(lambda self: self.rows)
    def gateway_sends(self, resend: bool) -> None:
        number, row = len(self.rows) - 1, self.rows[-1]
        if not may_send(row.state, row.key, self.rows[-1].key, expires=row.expires, now=self.now):
            return
        if number in self.gateway_knows and not resend:
            return
        row.step("SENT")
        self.gateway_knows.add(number)
        self.network.append((number, self.now))

    @rule()
    def gateway_restarts(self) -> None:
        self.gateway_knows.clear()

    @rule(pick=st.integers(0, 10_000), keep=st.booleans())
    @precondition(lambda self: self.network)
    def device_hears(self, pick: int, keep: bool) -> None:
        """Any command under way, in any order; kept under way it comes twice."""
        number, _ = self.network[pick % len(self.network)] if keep else self.network.pop(pick % len(self.network))
        row = self.rows[number]
        if acts_on(row.key, self.last, expires=row.expires, now=self.now):
            self.last = row.key
            self.acted.append((row.key, row.expires, self.now))
        self.answers.append((number, "ACKNOWLEDGED" if pick % 5 else "REFUSED"))

    @rule(pick=st.integers(0, 10_000))
    @precondition(lambda self: self.network)
    def network_loses_a_command(self, pick: int) -> None:
        self.network.pop(pick % len(self.network))

    @rule(pick=st.integers(0, 10_000), twice=st.booleans())
    @precondition(lambda self: self.answers)
    def answer_arrives(self, pick: int, twice: bool) -> None:
        place = pick % len(self.answers)
        number, said = self.answers[place] if twice else self.answers.pop(place)
        self.rows[number].step(said)

    @rule(followed=st.booleans())
    @precondition(lambda self: self.rows)
    def interval_is_judged(self, followed: bool) -> None:
        row = self.rows[-1]
        if row.state in ("SENT", "ACKNOWLEDGED", "FOLLOWED") and row.key.interval < self.now:
            row.step("FOLLOWED" if followed else "MISSED")

    @rule(step=st.floats(0.05, 2.0))
    def time_passes(self, step: float) -> None:
        self.now += step
        for row in self.rows:
            if row.state == "PLANNED" and row.expires <= self.now:
                row.step("EXPIRED")

    @invariant()
    def every_step_was_legal(self) -> None:
        for row in self.rows:
            assert all(new in STEPS[old] for old, new in zip(row.history, row.history[1:], strict=False))

    @invariant()
    def no_device_went_back_acted_twice_or_too_late(self) -> None:
        keys = [key for key, _, _ in self.acted]
        assert all(earlier < later for earlier, later in zip(keys, keys[1:], strict=False))
        assert all(when < expires for _, expires, when in self.acted)

    @invariant()
    def what_nobody_sent_did_not_act(self) -> None:
        sent = {row.key for row in self.rows if "SENT" in row.history}
        assert {key for key, _, _ in self.acted} <= sent


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=how_many("VPP_LIFE_SEQUENCES", usual=220, thorough=10_000),
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("state", list(STEPS))
def test_a_step_that_is_not_in_the_table_is_refused_and_a_late_message_changes_nothing(state: str) -> None:
    for wished in set(STEPS) - set(STEPS[state]):
        with pytest.raises(IllegalStep):
            moved(state, wished)
        assert after_event(state, wished) == state
