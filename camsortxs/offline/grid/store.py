"""Results on disk, a cell a pair of files: what is there is not computed again."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import numpy as np

from camsortxs.errors import ModelError
from camsortxs.offline.grid.cell import Result
from camsortxs.offline.grid.plan import Cell
from camsortxs.offline.grid.served import Served


class Store:
    """A folder of results by key. Each is an npz and, written after it, a json: without it there is no result."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, key: str) -> bool:
        """Return whether there is a result."""
        return self._path(key, "json").is_file()

    def save(self, key: str, result: Result) -> None:
        """Write a result, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write(
            key,
            "npz",
            lambda file: np.savez_compressed(file, rows=result.rows, probabilities=result.probabilities),
        )
        told = {
            "features": result.cell.features,
            "classifier": result.cell.classifier,
            "folds": result.folds,
            "served": asdict(result.served),
            "fit_seconds": result.fit_seconds,
            "seconds": result.seconds,
        }
        self._write(key, "json", lambda file: file.write((json.dumps(told, indent=1) + "\n").encode()))

    def load(self, key: str) -> Result:
        """Return a result.

        Raises
        ------
        ModelError
            When its files are not what was written.
        """
        try:
            told = json.loads(self._path(key, "json").read_bytes())
            with np.load(self._path(key, "npz"), allow_pickle=False) as arrays:
                return Result(
                    cell=Cell(features=told["features"], classifier=told["classifier"]),
                    rows=arrays["rows"],
                    probabilities=arrays["probabilities"],
                    folds=told["folds"],
                    served=Served(**told["served"]),
                    fit_seconds=told["fit_seconds"],
                    seconds=told["seconds"],
                )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{self._path(key, 'json')} is not what was written there ({error}): remove it, and its cell runs again"
            ) from error

    def _path(self, key: str, ending: str) -> Path:
        return self._folder / f"{key[:32]}.{ending}"

    def _write(self, key: str, ending: str, write: Callable[[IO[bytes]], Any]) -> None:
        with NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as file:
            write(file)
        os.replace(file.name, self._path(key, ending))
