"""What is imported is declared: whoever installs the library, or the agent, has all that it needs."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
APART = ("offline", "simulate", "testing", "device")
"""What trains, draws, tests, or runs on a GPU, has extras of its own, and is imported where it is used."""
EXTRAS = PROJECT["optional-dependencies"]
LIBRARY = [*PROJECT["dependencies"], *EXTRAS["cpu"]]


def installed_by(*declared: str) -> set[str]:
    """Return all distributions that come with these."""
    found: dict[str, set[str]] = {}
    waiting = [Requirement(each) for each in declared]
    while waiting:
        one = waiting.pop()
        name, extras = canonicalize_name(one.name), {"", *one.extras}
        if extras <= found.get(name, set()):
            continue
        found.setdefault(name, set()).update(extras)
        try:
            further = map(Requirement, requires(name) or ())
        except PackageNotFoundError:  # for another platform
            continue
        waiting += [r for r in further if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in extras)]
    return set(found)


def imported(folder: Path, *, but: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield file and name of what modules import as they are imported themselves; what they try to, they can spare."""
    for path in sorted(folder.rglob("*.py")):
        if path.relative_to(folder).parts[0] in but:
            continue
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            yield from ((str(path.relative_to(ROOT)), name.split(".")[0]) for name in names)


@pytest.mark.parametrize(
    ("folder", "but", "declared"),
    [
        ("camsortxs", APART, LIBRARY),
        ("agent/camsortxs_agent", ("chaos", "demo"), [*LIBRARY, *EXTRAS["agent"]]),
    ],
)
def test_what_is_imported_is_declared(folder, but, declared):
    there, belongs = installed_by(*declared), packages_distributions()
    own = {"camsortxs", "camsortxs_agent", *sys.stdlib_module_names}
    missing = {
        (path, name)
        for path, name in imported(ROOT / folder, but=but)
        if name not in own and not {canonicalize_name(each) for each in belongs.get(name, ())} & there
    }
    assert not missing
