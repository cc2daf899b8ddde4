"""The bundle: a trained model as files, none of them a pickle (DESIGN.md section 6)."""

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from camsortxs.classifiers.champion import POINTER, champion_of
from camsortxs.errors import ModelError
from camsortxs.techniques import TECHNIQUES, Technique

MANIFEST = "model.json"
SEAL = "model.json.sha256"
"""The sha256 of the manifest, as `sha256sum` writes and checks it; the manifest has those of the other files."""
FORMAT = 1

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureSpec(_Part):
    """Which representations the model was trained on, and what they were called."""

    representations: Annotated[tuple[str, ...], Field(min_length=1)]
    names: Annotated[tuple[str, ...], Field(min_length=1)]
    digest: Sha256


class BundleFile(_Part):
    """One file beside the manifest."""

    path: str
    sha256: Sha256
    role: str

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or "\\" in path or not parts.parts:
            raise ValueError("a file of a bundle lies inside its folder")
        return path


class TrainingSet(_Part):
    """What the model has seen; `group_names`, where they are noted, are not to be compared on (`models promote`)."""

    digest: Sha256
    frames: Annotated[int, Field(gt=0)]
    groups: Annotated[int, Field(gt=0)]
    description: str
    group_names: tuple[str, ...] = ()


class Manifest(_Part):
    """The contents of `model.json`.

    `classifiers` are the trainer's names of what answers, several of them together: the recipe of a model like it.
    `temperature` divides the log-probabilities of the classifier; `threshold` is the calibrated probability below
    which an answer is not stood by. `metrics` are out-of-fold figures on the training set.
    """

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+")]
    classes: tuple[Technique, ...]
    features: FeatureSpec
    estimator: str
    classifiers: tuple[str, ...] = ()
    temperature: Annotated[float, Field(gt=0.0)]
    threshold: Share
    training: TrainingSet
    metrics: dict[str, Any]
    libraries: dict[str, str]
    licence: str
    files: Annotated[tuple[BundleFile, ...], Field(min_length=1)]

    @field_validator("classes")
    @classmethod
    def _in_order(cls, classes: tuple[Technique, ...]) -> tuple[Technique, ...]:
        if classes != TECHNIQUES:
            raise ValueError(f"the classes must be {', '.join(TECHNIQUES)}, in this order")
        return classes

    @property
    def reference(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A manifest whose files were read and verified; `files` holds their contents by role.

    `sha256` is that of `model.json` as it was read, empty for a bundle that was not.
    """

    manifest: Manifest
    folder: Path
    files: dict[str, bytes]
    sha256: str = ""


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and verify the sha256 of every file; the very bytes that were verified are what is used.

    A folder of models with a `champion.json` stands for the bundle that it names.

    Raises
    ------
    ModelError
        When anything is missing, unreadable or changed; the message says what to do.
    """
    if (folder / POINTER).is_file():
        folder = champion_of(folder)
    path = folder / MANIFEST
    try:
        contents = path.read_bytes()
        manifest = Manifest.model_validate_json(contents)
    except OSError as error:
        raise ModelError(
            f"{folder} is no model bundle ({error.strerror or error}): give a folder with a {MANIFEST}, "
            "or train one with `camsortxs train`"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelError(
            f"{path} is not usable: {where}: {first['msg']} ({error.error_count()} errors). "
            "Restore it, or export the model again with this version of camSortXS"
        ) from error
    if (folder / SEAL).is_file() and (folder / SEAL).read_bytes() != seal(contents):
        raise ModelError(
            f"{path} was changed: its sha256 is not the one in {SEAL}. Restore the file, or export the model again; "
            "do not edit bundles by hand"
        )
    return Bundle(
        manifest=manifest,
        folder=folder,
        files={file.role: _verified(folder, file) for file in manifest.files},
        sha256=hashlib.sha256(contents).hexdigest(),
    )


def seal(manifest: bytes) -> bytes:
    """Return the contents of `model.json.sha256` for those of `model.json`."""
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()


def _verified(folder: Path, file: BundleFile) -> bytes:
    path = folder / file.path
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} of the bundle cannot be read ({error.strerror or error}): restore it") from error
    found = hashlib.sha256(contents).hexdigest()
    if found != file.sha256:
        raise ModelError(
            f"{path} was changed: its sha256 is {found[:12]}..., the manifest says {file.sha256[:12]}.... "
            "Restore the file, or export the model again; do not edit bundles by hand"
        )
    return contents


def default_bundle() -> Path:
    """Return the folder of the bundle that the shipped `champion.json` names.

    Raises
    ------
    ModelError
        When there is none, or it names a bundle that is not there.
    """
    return champion_of(default_models())


def default_models() -> Path:
    """Return the folder of the models that are shipped: in a wheel inside the package, in a checkout `models/`.

    Raises
    ------
    ModelError
        When neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for models in (package / "_models", package.parent / "models"):
        if (models / POINTER).is_file():
            return models
    raise ModelError("this installation has no model: give one with --model, or train one with `camsortxs train`")
