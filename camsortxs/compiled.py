"""Loops over pixels, compiled by numba at their first use."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop) -> Loop:
    """Compile a loop anew in each process: what serves keeps nothing on disk, for numba keeps it as a pickle.

    It runs without the interpreter's lock; division by zero gives infinity, as in NumPy.
    """
    return cast(Loop, numba.njit(nogil=True, error_model="numpy")(loop))


def summing(loop: Loop) -> Loop:
    """Compile a loop as `compiled`, with sums of real numbers in any order: the processor adds up several at once."""
    return cast(Loop, numba.njit(nogil=True, error_model="numpy", fastmath={"reassoc", "nsz"})(loop))


def kept(loop: Loop) -> Loop:
    """Compile a loop once and keep it beside the code, or where the user keeps caches. Not for what serves."""
    try:
        return cast(Loop, numba.njit(nogil=True, error_model="numpy", cache=True)(loop))
    except RuntimeError:  # nowhere to write: a read-only installation without a home
        return compiled(loop)


def inlined(part: Loop) -> Loop:
    """Compile a part of loops, which is written out where it is called."""
    return cast(Loop, numba.njit(nogil=True, error_model="numpy", inline="always")(part))


@contextmanager
def compiling() -> Iterator[None]:
    """Compile many loops in this block, in seven eighths of the time: nobody collects garbage meanwhile.

    What numba makes it keeps, and the collector would look through all of it again and again.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array in one piece and not to be written to, without a copy where it is in one piece already.

    Some frames may be written to and some not, by where they come from; numba would compile a loop for either.
    """
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
