"""A beamline in miniature: a real RunEngine whose documents go to Kafka and to Tiled, as at the facilities."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import numpy.typing as npt
from bluesky import RunEngine
from bluesky.preprocessors import run_wrapper, stage_wrapper
from bluesky_tiled_plugins import TiledWriter

from camsortxs_agent.demo.detectors import Configuration, FileDetector, InlineDetector, PagingDetector, StreamDetector
from camsortxs_agent.demo.tiled_server import TiledServer
from camsortxs_agent.demo.wire import Publisher

Form = Literal["event", "event_page", "resource", "stream_resource"]
FORMS: tuple[Form, ...] = ("event", "event_page", "resource", "stream_resource")
INLINE_BYTES = 700_000
"""A frame with more than this does not travel inside a message: Kafka's default limit is 1 MB."""


class Beamline:
    """Takes runs, with the connections that `open_beamline` made."""

    def __init__(self, *, publisher: Publisher, writer: TiledWriter, folder: Path) -> None:
        # No signal handlers: Ctrl-C shall end the demo, not pause the plan.
        self._engine = RunEngine({}, context_managers=[])
        self._publisher = publisher
        self._writer = writer
        self._folder = folder

    def take(
        self,
        frames: Sequence[npt.NDArray[Any]],
        *,
        form: Form,
        detector: str = "pilatus",
        configuration: Configuration | None = None,
        metadata: Mapping[str, Any] | None = None,
        interval: float = 0.0,
        live: bool = True,
    ) -> str:
        """Take a run of `frames`, one every `interval` seconds; return its uid once all its documents are out.

        `configuration` goes into the descriptor, `metadata` into the start document. A run that is not `live` is
        written to Tiled only: Kafka never hears of it.
        """
        device = _device(form, detector, frames, configuration or {}, self._folder)
        plan = (
            _fly(device, metadata or {})
            if isinstance(device, PagingDetector)
            else bp.count([device], len(frames), delay=interval, md=dict(metadata or {}))
        )
        (run,) = self._engine(plan, [self._publisher, self._writer] if live else [self._writer])
        return str(run)


@contextmanager
def open_beamline(*, broker: str, topic: str, tiled: TiledServer, folder: Path, path: str = "") -> Iterator[Beamline]:
    """Connect to the broker and to the container `path` of Tiled. Detectors write their files into `folder`.

    Raises
    ------
    RuntimeError
        At the end, when the broker refused a document.
    """
    refused: list[str] = []
    publisher = Publisher(
        topic,
        broker,
        key=str(uuid4()),  # one a session: NSLS-II does the same
        producer_config={"acks": "all", "log_level": 2},
        on_delivery=lambda error, _message: refused.append(str(error)) if error is not None else None,
        flush_on_stop_doc=True,
    )
    uri = f"{tiled.uri}/api/v1/metadata/{path}" if path else tiled.uri
    writer = TiledWriter.from_uri(uri, api_key=tiled.api_key)
    try:
        yield Beamline(publisher=publisher, writer=writer, folder=folder.resolve())
    finally:
        publisher.flush()
        writer.client.context.close()
    if refused:
        raise RuntimeError(f"the broker refused {len(refused)} documents: {refused[0]}")


def _device(
    form: Form, name: str, frames: Sequence[npt.NDArray[Any]], configuration: Configuration, folder: Path
) -> InlineDetector:
    if form == "event":
        return InlineDetector(name, frames, configuration)
    if form == "event_page":
        return PagingDetector(name, frames, configuration)
    kind = FileDetector if form == "resource" else StreamDetector
    return kind(name, frames, configuration, folder=folder)


def _fly(device: PagingDetector, metadata: Mapping[str, Any]) -> Any:
    """Let the detector run on its own, then collect."""

    def plan() -> Iterator[Any]:
        yield from bps.declare_stream(device, name="primary", collect=True)
        yield from bps.kickoff(device, wait=True)
        yield from bps.complete(device, wait=True)
        yield from bps.collect(device, name="primary")

    run = run_wrapper(plan(), md={"plan_name": "fly", "detectors": [device.name], **metadata})
    return stage_wrapper(run, [device])
