"""Options that several commands share, added to the signature that typer reads."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_type_hints

from camsortxs.cli.data_options import DataOptions


def with_data(**defaults: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command all options of `DataOptions`, some with other defaults; it is called with them as `data`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(DataOptions, include_extras=True)
        options = [
            inspect.Parameter(
                item.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=defaults.get(item.name, item.default),
                annotation=hints[item.name],
            )
            for item in fields(DataOptions)
        ]
        names = {option.name for option in options}
        signature = inspect.signature(command, eval_str=True)
        own = [
            p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in signature.parameters.values() if p.name != "data"
        ]

        def called(**given: Any) -> None:
            data = DataOptions(**{name: given.pop(name) for name in names})
            command(data=data, **given)

        merged = signature.replace(parameters=[*own, *options])
        called.__signature__ = merged  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in merged.parameters.values()}
        called.__name__, called.__doc__, called.__module__ = command.__name__, command.__doc__, command.__module__
        return called

    return decorate
