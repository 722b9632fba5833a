"""What happens to answers on their way: late, lost, doubled, out of order. Seeded."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class LinkFaults:
    """Shares of the answers (0 to 1). late and doubled ones come up to longest_s seconds later."""

    late_pu: float = 0.0
    lost_pu: float = 0.0
    doubled_pu: float = 0.0
    reordered_pu: float = 0.0
    longest_s: float = 10.0


@dataclass(order=True)
class _Due:
    at_s: float
    number: int
    answer: object = field(compare=False)


class AnswerQueue:
    """Answers between a device and its gateway: put in when given, taken out when they arrive."""

    def __init__(self, faults: LinkFaults, seed: int) -> None:
        self.faults, self._draw = faults, np.random.default_rng(seed)
        self._due: list[_Due] = []
        self._number = 0

    def put(self, answers: list[object], now_s: float) -> None:
        """Reordered ones swap places with later ones by a delay too short to be called late."""
        f, n = self.faults, len(answers)
        lost = self._draw.random(n) < f.lost_pu
        late_s = np.where(self._draw.random(n) < f.late_pu, self._draw.random(n) * f.longest_s, 0.0)
        late_s += np.where(self._draw.random(n) < f.reordered_pu, 0.2 * self._draw.random(n), 0.0)
        again = self._draw.random(n) < f.doubled_pu
        again_s = self._draw.random(n) * f.longest_s
        for row, answer in enumerate(answers):
            if not lost[row]:
                self._push(answer, now_s + float(late_s[row]))
            if again[row]:
                self._push(answer, now_s + float(again_s[row]))

    def take(self, now_s: float) -> list[object]:
        """What has arrived by now, in the order of arrival."""
        arrived = []
        while self._due and self._due[0].at_s <= now_s:
            arrived.append(heapq.heappop(self._due).answer)
        return arrived

    def _push(self, answer: object, at_s: float) -> None:
        self._number += 1
        heapq.heappush(self._due, _Due(at_s, self._number, answer))
