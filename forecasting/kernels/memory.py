"""Fitted models kept between calls under a fingerprint of what they were fitted on: a cache, never a state.

The same inputs give the same numbers whatever was asked before, because a model is only found again for exactly the
data, settings and anchor that would be used to fit it anew.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

KEPT_MODELS = 32


class Memory:
    """Newest models by fingerprint."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def get(self, make: Callable[[], Any], *inputs: Any) -> Any:
        """The model made from these inputs (arrays and plain values), made now if it is not kept."""
        key = fingerprint(*inputs)
        if key not in self._kept:
            self._kept[key] = make()
            while len(self._kept) > KEPT_MODELS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def clear(self) -> None:
        self._kept.clear()


def fingerprint(*inputs: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for one in inputs:
        if isinstance(one, np.ndarray):
            digest.update(repr((one.shape, one.dtype.str)).encode())
            digest.update(np.ascontiguousarray(one).tobytes())
        else:
            digest.update(repr(one).encode())
    return digest.hexdigest()
