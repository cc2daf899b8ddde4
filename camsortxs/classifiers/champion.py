"""The pointer `champion.json` of a models folder: which bundle serves, which served before, and why."""

import hashlib
import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from camsortxs.errors import ModelError

POINTER = "champion.json"
LOG = "promotions.jsonl"
_REFERENCE = r"^[a-z0-9][a-z0-9._-]*/\d+\.\d+\.\d+[A-Za-z0-9.+-]*$"
_SHA256 = r"^[0-9a-f]{64}$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Served(_Part):
    """A bundle that serves or served: `model` is `name/version`, its folder; `manifest` the sha256 of `model.json`."""

    model: Annotated[str, Field(pattern=_REFERENCE)]
    manifest: Annotated[str | None, Field(pattern=_SHA256)] = None
    since: AwareDatetime
    why: str
    figures: dict[str, Any] = Field(default_factory=dict)


class EvaluationSet(_Part):
    """The frames that champions are chosen on, frozen: `digest` is that of the labels and of every file."""

    digest: Annotated[str, Field(pattern=_SHA256)]
    frames: int
    groups: int
    description: str


class Pointer(_Part):
    """The contents of `champion.json`; `previous` has the latest first."""

    format: Annotated[int, Field(ge=1, le=1)] = 1
    champion: Served
    previous: tuple[Served, ...] = ()
    evaluation: EvaluationSet | None = None


def read_pointer(models: Path) -> Pointer | None:
    """Return the pointer of a models folder, None where there is none.

    Raises
    ------
    ModelError
        When it cannot be read; the message says what to do.
    """
    path = models / POINTER
    try:
        return Pointer.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelError(f"{path} is not usable: {where}: {first['msg']}. Restore it; {LOG} has its history") from error


def champion_of(models: Path) -> Path:
    """Return the folder of the bundle that serves.

    Raises
    ------
    ModelError
        When nothing was promoted, or the bundle is not there or not the one that was promoted.
    """
    pointer = read_pointer(models)
    if pointer is None:
        raise ModelError(f"{models} has no {POINTER}: promote a model with `camsortxs models promote NAME/VERSION`")
    return folder_of(models, pointer.champion)


def folder_of(models: Path, served: Served) -> Path:
    """Return the folder of a bundle of the pointer; errors as of `champion_of`."""
    folder = models / served.model
    try:
        found = hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(
            f"{models / POINTER} names {served.model}, which cannot be read ({error.strerror or error}): restore it, "
            "or take the one before with `camsortxs models rollback`"
        ) from error
    if served.manifest not in (None, found):
        raise ModelError(
            f"{folder} is not the bundle that was promoted: the sha256 of its model.json is {found[:12]}.... Restore "
            f"it, or export the other as a new version and promote that"
        )
    return folder


def write_pointer(models: Path, pointer: Pointer) -> None:
    """Replace the pointer at once: a reader finds the old one or the new one, whole.

    Raises
    ------
    ModelError
        When the folder cannot be written.
    """
    contents = json.dumps(pointer.model_dump(mode="json"), indent=1) + "\n"
    try:
        with tempfile.NamedTemporaryFile("w", dir=models, prefix=f".{POINTER}.", delete=False, encoding="utf-8") as new:
            try:
                new.write(contents)
                new.flush()
                os.fsync(new.fileno())
                Path(new.name).chmod(0o644)
                Path(new.name).replace(models / POINTER)
            except BaseException:
                Path(new.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ModelError(
            f"{models} cannot be written ({error.strerror or error}): give a folder of your own with --models"
        ) from error


def log_decision(models: Path, *, when: datetime, action: str, model: str, why: str, **more: Any) -> None:
    """Append one line to the log of promotions and rollbacks; nothing in it is ever changed.

    Raises
    ------
    ModelError
        When it cannot be written.
    """
    line = {"when": when.isoformat(timespec="seconds"), "action": action, "model": model, "why": why, **more}
    try:
        with (models / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
    except OSError as error:
        raise ModelError(f"{models / LOG} cannot be written ({error.strerror or error})") from error


def read_log(models: Path) -> list[dict[str, Any]]:
    """Return the lines of the log, the oldest first.

    Raises
    ------
    ModelError
        When it cannot be read.
    """
    try:
        return [json.loads(line) for line in (models / LOG).read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise ModelError(f"{models / LOG} cannot be read ({error}): restore it, or move it away") from error
