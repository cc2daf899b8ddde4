"""What several representations need is computed once in a graph."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from camsortxs.device.standard import Standards

Options = ParamSpec("Options")
Made = TypeVar("Made")


def once(make: Callable[Concatenate[Standards, Options], Made]) -> Callable[Concatenate[Standards, Options], Made]:
    """Keep the result of a function of `Standards` and hashable options with those standards, as long as they live.

    Compilers merge equal operations but not equal loops. Not to be called first within the body of a loop: what is
    made there is not known outside.
    """

    @wraps(make)
    def kept(standards: Standards, /, *args: Options.args, **options: Options.kwargs) -> Made:
        key: Any = (make, args, tuple(sorted(options.items())))
        if key not in standards.made:
            standards.made[key] = make(standards, *args, **options)
        return standards.made[key]  # type: ignore[no-any-return]

    return kept
