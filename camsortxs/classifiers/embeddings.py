"""A trained network as files (`embedding.json`, `embedding.onnx`), served by onnxruntime: no Keras, no pickle."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnxruntime
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from camsortxs.classifiers.bundle import Bundle, Sha256, TrainingSet
from camsortxs.classifiers.onnx import open_session
from camsortxs.errors import ModelError
from camsortxs.features.catalogue import CATALOGUE, STANDARD_VERSION
from camsortxs.features.chain import Chain
from camsortxs.features.embedding import PICTURE_SIDE, Seen, Single
from camsortxs.techniques import TECHNIQUES, Technique

FORMAT = 1
MANIFEST, GRAPH = "embedding.json", "embedding.onnx"
OUTPUTS = ("probabilities", "numbers", "map", "weights")
"""What the graph returns, in this order: the fields of `Seen`, a row a picture."""
_SHIPPED = "0.1.0"
_ROLE = "embedding:"


class EmbeddingManifest(BaseModel):
    """The contents of `embedding.json`.

    `side` is that of the picture, `standard` the version of the standardised frame that it was trained on, `numbers`
    how many the embedding has, `map` (height, width, channels); `sha256` is that of the graph; `metrics` are figures on
    groups that were neither learnt nor used to stop the training.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+")]
    side: int
    standard: int
    numbers: Annotated[int, Field(gt=0)]
    map: tuple[int, int, int]
    parameters: Annotated[int, Field(gt=0)]
    classes: tuple[Technique, ...]
    sha256: Sha256
    weights: str
    training: TrainingSet
    metrics: dict[str, Any]
    libraries: dict[str, str]
    licence: str


class OnnxEmbedding:
    """The network of an `embedding.json` and the bytes of its graph, on one CPU thread.

    Raises
    ------
    ModelError
        When the graph is not the one that the manifest names, cannot be read, or does not fit this version.
    """

    def __init__(self, manifest: EmbeddingManifest, graph: bytes) -> None:
        what = f"embedding {manifest.name} {manifest.version}"
        found = hashlib.sha256(graph).hexdigest()
        if found != manifest.sha256:
            raise ModelError(
                f"{what} was changed: the sha256 of its graph is {found[:12]}..., its manifest says "
                f"{manifest.sha256[:12]}.... Restore the file, or train it again"
            )
        if (manifest.side, manifest.standard, manifest.classes) != (PICTURE_SIDE, STANDARD_VERSION, TECHNIQUES):
            raise ModelError(f"{what} was trained on other pictures or classes than this version has: train it again")
        self.manifest, self.graph = manifest, graph
        self._session = open_session(graph, what)
        self._input = self._session.get_inputs()[0].name
        try:
            seen = self.look(np.zeros((PICTURE_SIDE, PICTURE_SIDE), np.float32))
        except (ValueError, onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument) as error:
            raise ModelError(f"{what} does not take a picture and return {', '.join(OUTPUTS)}: {error}") from error
        shapes = tuple(np.shape(getattr(seen, name)) for name in OUTPUTS)
        if shapes != ((len(TECHNIQUES),), (manifest.numbers,), manifest.map, (len(TECHNIQUES), manifest.map[2])):
            raise ModelError(f"{what} returns {shapes}, not what its manifest says")

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as what it was made of: a session cannot."""
        return OnnxEmbedding, (self.manifest, self.graph)

    @property
    def name(self) -> str:
        """The family."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """Its version."""
        return self.manifest.version

    @property
    def sha256(self) -> str:
        """Of the graph with its weights."""
        return self.manifest.sha256

    def look(self, picture: Single) -> Seen:
        """Look at one picture (128, 128) in [0, 1]."""
        answers = self._session.run(None, {self._input: picture[None, :, :, None]})
        return Seen(**{name: answer[0] for name, answer in zip(OUTPUTS, answers, strict=True)})


def load_embedding(folder: Path) -> OnnxEmbedding:
    """Load a trained network from its folder.

    Raises
    ------
    ModelError
        When anything is missing, unreadable or changed.
    """
    try:
        manifest, graph = (folder / MANIFEST).read_bytes(), (folder / GRAPH).read_bytes()
    except OSError as error:
        raise ModelError(
            f"{folder} is no embedding ({error.strerror or error}: {error.filename}): "
            "train one with `camsortxs train-embedding`"
        ) from error
    return OnnxEmbedding(_parse(manifest, str(folder / MANIFEST)), graph)


def shipped_embedding(name: str) -> OnnxEmbedding:
    """Load an embedding that is shipped: in a wheel inside the package, in a checkout in `models/embeddings`.

    Raises
    ------
    ModelError
        When there is none of that name.
    """
    package = Path(__file__).resolve().parents[1]
    for models in (package / "_models", package.parent / "models"):
        folder = models / "embeddings" / name / _SHIPPED
        if (folder / MANIFEST).is_file():
            return load_embedding(folder)
    raise ModelError(f"this installation has no embedding {name}: train it with `camsortxs train-embedding`")


def chain_with(representations: Iterable[str], given: Iterable[OnnxEmbedding] = ()) -> Chain:
    """Return the chain of `representations` with the embeddings that are `given`, else those that are shipped.

    Raises
    ------
    ModelError
        As of `Chain` and `shipped_embedding`, and when one is given that no representation needs.
    """
    names = tuple(representations)
    needed = {CATALOGUE[name].embedding for name in names if name in CATALOGUE} - {None}
    embeddings = {embedding.name: embedding for embedding in given}
    if unused := set(embeddings) - needed:
        raise ModelError(f"no representation looks through {', '.join(sorted(unused))}")
    return Chain(names, {str(name): embeddings.get(str(name)) or shipped_embedding(str(name)) for name in needed})


def chain_of(bundle: Bundle) -> Chain:
    """Return the features that a bundle was trained on, looking through the embeddings that it carries.

    Raises
    ------
    ModelError
        When one is missing or does not fit.
    """
    embeddings = {}
    for role, contents in bundle.files.items():
        if role.startswith(_ROLE) and role.endswith(MANIFEST):
            graph = bundle.files.get(role.removesuffix(MANIFEST) + GRAPH, b"")
            embedding = OnnxEmbedding(_parse(contents, f"{bundle.folder}: {role}"), graph)
            embeddings[embedding.name] = embedding
    return Chain(bundle.manifest.features.representations, embeddings)


def carried(chain: Chain) -> dict[str, tuple[str, bytes]]:
    """Return the files that a bundle of these features carries: path within it to role and contents."""
    files = {}
    for name, embedding in chain.embeddings.items():
        assert isinstance(embedding, OnnxEmbedding)  # noqa: S101 - trained and exported with these alone
        for file, contents in ((MANIFEST, written(embedding.manifest)), (GRAPH, embedding.graph)):
            files[f"embeddings/{name}/{file}"] = (f"{_ROLE}{name}/{file}", contents)
    return files


def written(manifest: EmbeddingManifest) -> bytes:
    """Return the contents of an `embedding.json`."""
    return (manifest.model_dump_json(indent=1) + "\n").encode()


def _parse(contents: bytes, where: str) -> EmbeddingManifest:
    try:
        return EmbeddingManifest.model_validate_json(contents)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelError(f"{where} is not usable: {place}: {first['msg']}. Restore it, or train it again") from error
