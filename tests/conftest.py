"""What every test may ask for."""

import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import structlog
from bluesky_tiled_plugins import TiledWriter
from event_model import compose_run
from pydantic import SecretStr
from tiled.client import from_uri

from camsortxs.adapters.tiled import Catalogue
from camsortxs.frames import Frame, FrameKey
from camsortxs_agent import log
from camsortxs_agent.chaos.apache import apache_kafka
from camsortxs_agent.demo.broker import embedded_broker
from camsortxs_agent.demo.tiled_server import TiledServer, embedded_tiled

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "real"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--apache-kafka", help="Folder of Apache Kafka's jars: its broker instead of the embedded one.")
    parser.addoption("--real-frames", default=str(_BESIDE), help="Folder of real frames with a labels.csv.")


@pytest.fixture(scope="session")
def real_frames(request: pytest.FixtureRequest) -> Path:
    """The folder of real frames; a stranger's clone has none."""
    folder = Path(request.config.getoption("--real-frames"))
    if not (folder / "labels.csv").exists():
        pytest.skip(f"no real frames at {folder}: point --real-frames at a folder with a labels.csv")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261122)


@pytest.fixture
def make_frame(rng: np.random.Generator):
    """Make a frame: `make_frame(index=0, grazing=False, **fields)`."""

    def make(index: int = 0, *, run: str = "run", grazing: bool = False, **fields) -> Frame:
        rows, columns = np.mgrid[:120, :100]
        rate = 200.0 / (1 + np.hypot(rows - 60, columns - 50) / 6) ** 2 + 0.5
        if grazing:
            rate = np.where(rows < 70, rate, 0.02)
        image = rng.poisson(rate).astype(np.int32)
        defaults = {
            "key": FrameKey(run=run, stream="primary", data_key="pilatus", index=index),
            "image": image,
            "mask": np.zeros(image.shape, dtype=bool),
            "taken_at": datetime(2026, 11, 22, tzinfo=UTC),
            "detector": "pilatus",
        }
        return Frame(**{**defaults, **fields})

    return make


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is reached directly, whatever the machine's proxy settings."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """What `log.configure` changes is put back: other tests log too."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    chatty = {name: logging.getLogger(name).level for name in log.CHATTY}
    yield
    root.handlers, root.level = handlers, level
    for name, before in chatty.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap address of a real broker. Shared by all tests: use topics of your own."""
    jars = request.config.getoption("--apache-kafka")
    with apache_kafka(Path(jars), tmp_path_factory.mktemp("kafka")) if jars else embedded_broker() as address:
        yield address


@pytest.fixture(scope="session")
def tiled_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TiledServer]:
    """A real Tiled over HTTP, `uri` and `api_key`. Shared by all tests: use containers of your own.

    Files under any `tmp_path` can be registered as external assets.
    """
    readable = [tmp_path_factory.getbasetemp()]
    with embedded_tiled(tmp_path_factory.mktemp("tiled"), readable=readable) as server:
        yield server


class RawRuns:
    """Writes raw runs to Tiled as a beamline does; calling it begins (and, unless told otherwise, ends) one."""

    def __init__(self, server: TiledServer, path: str) -> None:
        self.path = path
        self._root = from_uri(server.uri, api_key=server.api_key)
        self.container = self._root.create_container(path)

    def __call__(self, *, complete: bool = True, frames: np.ndarray | None = None, **start) -> str:
        write = TiledWriter(self.container)
        run = compose_run(metadata=start)
        write("start", run.start_doc)
        if frames is not None:
            shape = list(frames.shape[1:])
            kind = {"source": "sim", "dtype": "array", "shape": shape, "dtype_numpy": frames.dtype.str}
            stream = run.compose_descriptor(name="primary", data_keys={"pilatus": kind})
            write("descriptor", stream.descriptor_doc)
            for frame in frames:
                write("event", stream.compose_event(data={"pilatus": frame}, timestamps={"pilatus": 1.0}))
        if complete:
            write("stop", run.compose_stop())
        self.open = (write, run)
        return run.start_doc["uid"]

    def close(self) -> None:
        self._root.context.close()


@pytest.fixture
def begin_raw_run(tiled_server: TiledServer) -> Iterator[RawRuns]:
    """A container of raw runs of this test's own."""
    runs = RawRuns(tiled_server, f"raw-{uuid4().hex[:8]}")
    yield runs
    runs.close()


@pytest.fixture
def catalogue(tiled_server: TiledServer, begin_raw_run: RawRuns) -> Iterator[Catalogue]:
    """The catalogue with that container of raw runs, and one for records beside it."""
    with closing(
        Catalogue(
            address=tiled_server.uri,
            api_key=SecretStr(tiled_server.api_key),
            raw_path=begin_raw_run.path,
            results_path=f"{begin_raw_run.path}-results",
        )
    ) as opened:
        yield opened
