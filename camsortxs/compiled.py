"""Loops over pixels, compiled by numba at their first use and kept on disk where there is a place for it."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import numba

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop, inline: str = "never") -> Loop:
    """Compile a loop; it runs without the interpreter's lock. Division by zero gives infinity, as in NumPy."""
    compile_it = partial(numba.njit, nogil=True, error_model="numpy", inline=inline)
    try:
        return cast(Loop, compile_it(cache=True)(loop))
    except RuntimeError:  # nowhere to write: a read-only installation without a home compiles at each start
        return cast(Loop, compile_it()(loop))


inlined = partial(compiled, inline="always")
"""Compile a part of loops, to be written out where it is called."""
