"""Processes that work through parts: arrays in, arrays out, results in order, few parts in memory at a time."""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from types import TracebackType
from typing import Self, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

logger = logging.getLogger(__name__)

PARTS_WAITING = 1  # made ready while the workers are busy


class Workers:
    """A pool of `processes`, started at the first use; with one process everything runs here."""

    def __init__(self, processes: int) -> None:
        self.processes = max(processes, 1)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def map(self, function: Callable[[In], Out], inputs: Iterable[In]) -> Iterator[Out]:
        """function of each input, in order; the inputs are taken only as the workers need them."""
        pool = self._started()
        if pool is None:
            yield from map(function, inputs)
            return
        waiting: deque[Future[Out]] = deque()
        for one in inputs:
            waiting.append(pool.submit(function, one))
            if len(waiting) > self.processes + PARTS_WAITING:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _started(self) -> ProcessPoolExecutor | None:
        if self._pool is None and self.processes > 1:
            try:  # spawned, not forked: a service has threads and a database connection
                context = get_context("spawn")
                self._pool = ProcessPoolExecutor(self.processes, mp_context=context, initializer=_end_with_parent)
            except (ImportError, OSError) as error:  # no shared semaphores here
                logger.warning("no worker processes, the forecast runs in one: %s", error)
                self.processes = 1
        return self._pool


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for ever."""
    parent = parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
