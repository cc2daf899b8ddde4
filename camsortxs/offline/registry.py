"""The bundles of a models folder: which there are, whether they are whole, which serves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from camsortxs.classifiers.bundle import MANIFEST, SEAL, Manifest, load_bundle
from camsortxs.classifiers.champion import (
    EvaluationSet,
    Pointer,
    Served,
    folder_of,
    log_decision,
    read_pointer,
    write_pointer,
)
from camsortxs.classifiers.embeddings import chain_of
from camsortxs.classifiers.golden import FRAMES, check_frames, check_rows
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.classifiers.reference import load_reference
from camsortxs.errors import ModelError

GOLDEN_FRAMES = "golden frames"
_DISTRIBUTIONS = "distributions"
_REFERENCE = re.compile(r"([a-z0-9][a-z0-9._-]*)[/@](\d+\.\d+\.\d+[A-Za-z0-9.+-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A bundle of the folder: `model` is `name/version`, `manifest` None where `problem` says why it is not usable."""

    model: str
    folder: Path
    champion: bool
    bytes: int
    manifest: Manifest | None
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was verified; `good` is None where the bundle does not carry what is needed to tell."""

    what: str
    good: bool | None
    detail: str


def check_new(folder: Path) -> None:
    """Refuse a folder to write a bundle to where something is already, or which does not end in NAME/VERSION.

    Raises
    ------
    ModelError
        A bundle is never overwritten: agents may be serving it.
    """
    if _REFERENCE.fullmatch(f"{folder.absolute().parent.name}/{folder.name}") is None:
        raise ModelError(f"{folder} does not end in NAME/VERSION, as mine/0.1.0 does")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelError(f"{folder} is there already, and bundles are not overwritten: let it end in another version")


def model_of(text: str) -> str:
    """Return `name/version` of what a user wrote.

    >>> model_of("first@0.2.0"), model_of("first/0.2.0")
    ('first/0.2.0', 'first/0.2.0')

    Raises
    ------
    ModelError
        When it is neither NAME/VERSION nor NAME@VERSION.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise ModelError(f"{text!r} is no model: give NAME/VERSION, as `camsortxs models list` shows them")
    return f"{found[1]}/{found[2]}"


def entries(models: Path) -> Iterator[Entry]:
    """Yield every bundle of a folder, by name and version; no file but the manifests is read.

    Raises
    ------
    ModelError
        When the pointer cannot be used.
    """
    pointer = read_pointer(models)
    for path in sorted(models.glob(f"*/*/{MANIFEST}")):
        manifest, problem = None, None
        try:
            manifest = Manifest.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            problem = str(error).splitlines()[0]
        model = path.parent.relative_to(models).as_posix()
        yield Entry(
            model=model,
            folder=path.parent,
            champion=pointer is not None and pointer.champion.model == model,
            bytes=size_of(path.parent),
            manifest=manifest,
            problem=problem,
        )


def size_of(folder: Path) -> int:
    """Return the bytes of all files of a bundle."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def verify(folder: Path) -> list[Check]:
    """Check every sha256, that the bundle loads, and that it still gives its golden rows and frames.

    What comes after the first thing that is bad is left out: it would say the same again.
    """
    checks: list[Check] = []
    try:
        bundle = load_bundle(folder)
        checks.append(_good("files", f"{len(bundle.files)} files have the sha256 that the manifest says"))
        checks.append(
            _good("manifest", f"as sealed in {SEAL}")
            if (bundle.folder / SEAL).is_file()
            else _missing("manifest", f"no {SEAL}: a changed manifest goes unnoticed. Export the model again")
        )
        classifier = OnnxClassifier(bundle)
        chain = chain_of(bundle)
        if (chain.names, chain.digest) != (classifier.feature_names, classifier.feature_digest):
            raise ModelError(f"{folder} was trained on other features than this version makes: train it again")
        checks.append(_good("loads", f"{classifier.reference}, {len(chain.names)} features"))
        checks.append(_good("golden rows", f"largest difference {check_rows(bundle, classifier):.2g}"))
        if FRAMES not in bundle.files:
            checks.append(
                _missing(GOLDEN_FRAMES, "none: features and classifier are not checked together. Export it again")
            )
        else:
            difference = check_frames(bundle, chain, classifier)
            checks.append(_good(GOLDEN_FRAMES, f"largest difference {difference:.2g}"))
        reference = load_reference(bundle)
        checks.append(
            _good(_DISTRIBUTIONS, f"how {len(reference.edges)} features were distributed in training")
            if reference is not None
            else _missing(_DISTRIBUTIONS, "none: an agent cannot tell drift with it. Export it again")
        )
    except ModelError as error:
        done = {check.what for check in checks}
        what = next(w for w in ("files", "loads", "golden rows", GOLDEN_FRAMES, _DISTRIBUTIONS) if w not in done)
        checks.append(Check(what=what, good=False, detail=str(error)))
    return checks


def enthrone(
    models: Path, model: str, *, why: str, figures: dict[str, Any], evaluation: EvaluationSet, when: datetime
) -> Pointer:
    """Make a bundle the champion; the one that it follows goes before the previous ones.

    Raises
    ------
    ModelError
        When the folder cannot be written, or the bundle not be loaded.
    """
    folder = models / model
    old = read_pointer(models)
    bundle = load_bundle(folder)
    served = Served(model=model, manifest=bundle.sha256, since=when, why=why, figures=figures)
    pointer = Pointer(
        champion=served,
        previous=(old.champion, *old.previous) if old else (),
        evaluation=evaluation,
    )
    write_pointer(models, pointer)
    log_decision(
        models,
        when=when,
        action="promoted",
        model=model,
        why=why,
        instead_of=old.champion.model if old else None,
        training=bundle.manifest.training.digest,
        evaluation=evaluation.model_dump(),
        figures=figures,
    )
    return pointer


def roll_back(models: Path, *, why: str, when: datetime | None = None) -> tuple[str, str]:
    """Return to the champion before this one, once it proves to be whole; return both as (from, to).

    Raises
    ------
    ModelError
        When there is none before, or it is not usable.
    """
    pointer = read_pointer(models)
    if pointer is None or not pointer.previous:
        raise ModelError(f"{models} has no champion before this one: promote another with `camsortxs models promote`")
    now = when or datetime.now(UTC)
    before = pointer.previous[0]
    if bad := [check for check in verify(folder_of(models, before)) if check.good is False]:
        raise ModelError(f"{before.model} cannot serve again: {bad[0].detail}")
    reason = f"rolled back from {pointer.champion.model}: {why}"
    champion = before.model_copy(update={"since": now, "why": reason})
    write_pointer(models, pointer.model_copy(update={"champion": champion, "previous": pointer.previous[1:]}))
    log_decision(models, when=now, action="rolled back", model=before.model, why=why, instead_of=pointer.champion.model)
    return pointer.champion.model, before.model


def _good(what: str, detail: str) -> Check:
    return Check(what=what, good=True, detail=detail)


def _missing(what: str, detail: str) -> Check:
    return Check(what=what, good=None, detail=detail)
