"""Loops over arrays as machine code, by numba.

A compiled function calls only functions of its own module: the kept code of a caller is not made anew when a function
of another module changes. So the few lines that several loops need stand in each of their modules.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from numba import njit

Loop = TypeVar("Loop", bound=Callable[..., Any])
TILE = 256  # storages taken at a time, as slices, so that the compiler makes vector instructions of innermost loops


def compiled(function: Loop) -> Loop:
    """Machine code, kept beside the module and made anew when the module changes.

    Where there is no place to keep it (an installation nobody may write to), every process makes its own.
    """
    made = partial(njit, nogil=True, error_model="numpy", fastmath={"contract"})
    try:
        return cast(Loop, made(cache=True)(function))
    except RuntimeError:
        return cast(Loop, made()(function))
