"""Several web processes on one listening socket: one Python process serves from one core."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

LOOK_S = 0.5


def run_processes(count: int, serve: Callable[[], None], stop: threading.Event) -> None:
    """`serve` in `count` forked processes until `stop` is set; one that dies is replaced and named.

    To be called before threads or database connections exist, which a fork would share.
    """
    children = {_fork(serve) for _ in range(count)}
    try:
        while not stop.wait(LOOK_S):
            for child in list(children):
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    logger.error("web process %s ended with %s; another takes its place", child, status)
                    children.remove(child)
                    children.add(_fork(serve))
    finally:
        for child in children:
            os.kill(child, signal.SIGTERM)
        for child in children:
            os.waitpid(child, 0)


def _fork(serve: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        serve()
    except BaseException:
        logger.exception("web process failed")
        os._exit(1)
    os._exit(0)
