"""What several representations need of a frame is computed once, and goes with the frame."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar


class Made(Protocol):
    """Something that others compute from, with a place for what they did."""

    @property
    def made(self) -> dict[Any, Any]:
        """What was computed so far; belongs to `once`."""
        ...


From = TypeVar("From", bound=Made)
Options = ParamSpec("Options")
Result = TypeVar("Result")


def once(make: Callable[Concatenate[From, Options], Result]) -> Callable[Concatenate[From, Options], Result]:
    """Keep the result of a function with its first argument, as long as that lives; the others must be hashable.

    On the device it must not be called first within the body of a loop: what is made there is not known outside.
    """

    @wraps(make)
    def kept(source: From, /, *args: Options.args, **options: Options.kwargs) -> Result:
        key: Any = (make, args, tuple(sorted(options.items())) if options else ())
        if key not in source.made:
            source.made[key] = make(source, *args, **options)
        return source.made[key]  # type: ignore[no-any-return]

    return kept
