"""Arrays as a file of a bundle: npz, and never a pickle."""

import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from camsortxs.classifiers.bundle import Bundle
from camsortxs.errors import ModelError


def packed(**arrays: npt.NDArray[Any]) -> bytes:
    """Return the contents of the file that holds these arrays."""
    contents = BytesIO()
    np.savez_compressed(contents, **arrays)
    return contents.getvalue()


def unpacked(bundle: Bundle, role: str, needed: Sequence[str], *, called: str) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of the file with a `role`, by name; `called` is what users know it by.

    Raises
    ------
    ModelError
        When the bundle has no such file, or it cannot be read, or lacks one of the `needed`.
    """
    if role not in bundle.files:
        raise ModelError(f"{bundle.folder} carries no {called} to compare with: export the model again")
    try:
        with np.load(BytesIO(bundle.files[role]), allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, AttributeError, BadZipFile, zlib.error) as error:
        raise ModelError(f"{bundle.folder}: the {called} cannot be read ({error}): restore them") from error
    if missing := [name for name in needed if name not in arrays]:
        raise ModelError(f"{bundle.folder}: the {called} lack {', '.join(missing)}: export the model again")
    return arrays
