"""Workers as they are: processes that read real files, compute the shipped model's features, and may die of it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import psutil
import pytest

from camsortxs.adapters.pixels import FilePixels
from camsortxs.adapters.reference import PixelReference
from camsortxs.classifiers.bundle import default_bundle, load_bundle
from camsortxs.classifiers.embeddings import chain_of
from camsortxs.features.chain import Chain
from camsortxs.frames import Geometry, Unread
from camsortxs.look import look
from camsortxs.model import Model
from camsortxs.simulate import draw
from camsortxs.testing import TinyClassifier, TinyFeaturizer
from camsortxs_agent.announced import Announced, Fetch, Original
from camsortxs_agent.settings import LogSettings, PixelSettings, Settings
from camsortxs_agent.streams import Detector
from camsortxs_agent.workers import Staff
from camsortxs_agent.workers.pool import Workers
from camsortxs_agent.workers.settings import WorkerSettings

PATIENCE = 1.0
SHAPE = (260, 240)


@pytest.fixture(scope="module")
def chain() -> Chain:
    return chain_of(load_bundle(default_bundle()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with what a detector wrote: a frame of each technique, and a dark one."""
    folder = tmp_path_factory.mktemp("frames").resolve()
    frames = [draw(kind, seed=3, shape=SHAPE).frame().image for kind in ("SAXS", "WAXS", "GISAXS", "GIWAXS")]
    with h5py.File(folder / "frames.h5", "w") as file:
        stack = np.array([*frames, np.zeros(SHAPE)], np.int32)
        file.create_dataset("data", data=stack, chunks=(1, *SHAPE), **hdf5plugin.Bitshuffle(cname="lz4"))
    return folder


@pytest.fixture(scope="module")
def settings(chain, folder) -> WorkerSettings:
    return WorkerSettings(
        representations=chain.representations,
        pixels=PixelSettings(roots=(folder,), late_file_seconds=PATIENCE),
        log=LogSettings(),
    )


@pytest.fixture(scope="module")
def lost() -> list[str]:
    return []


@pytest.fixture(scope="module")
def workers(settings, lost) -> Workers:
    """Two workers, ready: they are compiled once for all tests here."""
    return _ready(Workers(settings, count=2, limit=1.0, lost=lost.append))


@pytest.fixture
def unread(folder):
    """Announce an event: `unread(index, name="frames.h5")`."""

    def make(index: int, name: str = "frames.h5", **fields) -> Unread:
        reference = PixelReference(
            uri=f"file://localhost{folder / name}",
            form="application/x-hdf5",
            parameters={"dataset": "data"},
            index=index,
            shape=SHAPE,
        )
        announced = Announced(
            run="r",
            stream="primary",
            detector=Detector(data_key="image", name="pilatus", shape=SHAPE),
            event=index,
            taken_at=datetime(2026, 11, 28, tzinfo=UTC),
            geometry=Geometry(distance=2.0, wavelength=1e-10, pixel_size=172e-6, beam_centre=(130.0, 120.0)),
            find=lambda: reference,
            pixels=FilePixels(roots=[folder], patience=0.0),
            **fields,
        )
        return Unread(
            key=announced.key(1), read=Fetch(announced, 1, origin={"offset": index}, original=Original(b"message"))
        )

    return make


def _ready(workers: Workers) -> Workers:
    deadline = time.monotonic() + 120
    while not workers.ready:
        assert time.monotonic() < deadline, "never ready"
        time.sleep(0.1)
    return workers


def _processes(workers: Workers) -> list[psutil.Process]:
    return psutil.Process(workers._foundry._process.pid).children()


def _model(chain: Chain) -> Model:
    return Model(featurizer=chain, classifier=TinyClassifier(feature_names=chain.names, feature_digest=chain.digest))


def test_they_see_what_is_seen_here(workers, unread, chain):
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda index: workers([unread(index)], chain), range(5)))
    assert 1 <= len(_processes(workers)) <= 2
    for index, looks in enumerate(found):
        (ours,), (theirs,) = look([unread(index)], chain).seen, looks.seen
        assert (theirs.key, theirs.taken_at, theirs.detector) == (ours.key, ours.taken_at, ours.detector)
        assert theirs.evidence == ours.evidence
        assert set(looks.seconds) >= {"read", "check"}
        if index == 4:
            assert (ours.values, theirs.values) == (None, None)
        else:
            np.testing.assert_array_equal(theirs.values, ours.values)


def test_a_refusal_says_where_it_came_from(workers, unread, chain):
    (refused,) = workers([unread(7)], chain).rejected
    assert refused.reason == "unreadable_file"
    assert refused.key.index == 7
    assert refused.digest
    assert (refused.origin, refused.payload) == ({"offset": 7}, b"message")


def test_they_count_the_images_of_an_event_and_nothing_of_it_is_read_here(workers, unread, monkeypatch):
    monkeypatch.setattr(FilePixels, "read", None)
    assert workers.count(unread(2).read.announced) == 1
    refused = workers.count(unread(7).read.announced)
    assert (refused.reason, refused.key.index) == ("unreadable_file", 7)
    assert refused.digest


def test_pixels_in_hand_and_lots_of_frames_are_looked_at_here(workers, unread, chain, make_frame):
    before = [process.cpu_times().user for process in _processes(workers)]
    frames = [make_frame(0), make_frame(1)]
    ours = look(frames, chain)
    for looks in (workers(frames, chain), workers([frames[0], unread(0)], chain)):
        np.testing.assert_array_equal(looks.seen[0].values, ours.seen[0].values)
    shown = []
    workers([unread(0)], chain, beside=lambda frames: shown.extend(frames) or {})
    assert [frame.key.index for frame in shown] == [0]
    assert [process.cpu_times().user for process in _processes(workers)] == before


def test_one_that_was_killed_is_replaced(workers, unread, chain, lost):
    workers([unread(0)], chain)
    lost.clear()
    for process in _processes(workers):
        process.kill()
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda index: workers([unread(index)], chain), range(4)))
    assert all(len(looks.seen) == 1 for looks in found)
    assert set(lost) == {"worker_died"}


def test_an_event_that_two_die_of_is_refused_and_the_next_one_is_not(workers, unread, chain, lost):
    lost.clear()
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.02):
            with suppress(psutil.NoSuchProcess):  # it died between being found and being asked
                for process in _processes(workers):
                    process.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        looks = workers([unread(0, "late.h5")], chain)  # which is waited for: time to die
        counted = workers.count(unread(3, "late.h5").read.announced)
    finally:
        over.set()
        killer.join()
    (refused,) = looks.rejected
    assert (refused.reason, refused.key.index, refused.origin) == ("worker_died", 0, {"offset": 0})
    assert (counted.reason, counted.key.index) == ("worker_died", 3)
    assert lost == ["worker_died"] * 4
    assert len(workers([unread(1)], chain).seen) == 1


def test_one_that_does_not_answer_is_killed(workers, unread, chain, lost):
    workers([unread(0)], chain)
    lost.clear()
    stuck = _processes(workers)
    for process in stuck:
        process.suspend()
    (refused,) = workers([unread(0)], chain).rejected
    assert refused.reason == "worker_hung"
    assert lost == ["worker_hung"]
    for process in stuck:
        if process.is_running():
            process.resume()
    assert len(workers([unread(1)], chain).seen) == 1


def test_signals_for_the_agent_do_not_end_them(workers, unread, chain):
    workers([unread(0)], chain)
    everyone = [psutil.Process(workers._foundry._process.pid), *_processes(workers)]
    for process in everyone:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
    assert len(workers([unread(1)], chain).seen) == 1
    assert all(process.is_running() for process in everyone)


def test_until_they_are_ready_frames_are_looked_at_here_and_they_end_with_their_owner(settings, unread, chain):
    workers = Workers(settings, count=2)
    template = psutil.Process(workers._foundry._process.pid)
    assert len(workers([unread(0)], chain).seen) == 1
    assert workers.count(unread(0).read.announced) is None
    _ready(workers)
    assert not _processes(workers)
    workers([unread(0)], chain)
    (worker,) = _processes(workers)
    os.kill(template.pid, signal.SIGKILL)
    workers([unread(1)], chain)  # the one that is there works on
    worker.kill()
    worker.wait(10)
    assert len(workers([unread(1)], chain).seen) == 1  # nobody can be made just now
    assert not workers.ready
    assert not template.is_running()
    another = psutil.Process(workers._foundry._process.pid)
    assert another.is_running()
    del workers
    assert not another.is_running()


def test_one_that_still_compiles_ends_with_whoever_wanted_it():
    ours, theirs = socket.socketpair()
    code = (
        "import socket, sys, time\n"
        "from camsortxs_agent.workers.template import _ending_with\n"
        "with _ending_with(socket.socket(fileno=int(sys.argv[1]))):\n"
        "    print('compiling', flush=True)\n"
        "    sum(range(10**12))"  # as deaf to what goes on as a compiler
    )
    with ours, theirs:
        process = psutil.Popen(
            [sys.executable, "-c", code, str(theirs.fileno())], pass_fds=[theirs.fileno()], stdout=subprocess.PIPE
        )
        theirs.close()
        assert process.stdout.readline() == b"compiling\n"
        ours.close()
        assert process.wait(10) == -signal.SIGIO
        process.stdout.close()


def test_a_template_that_cannot_begin_is_not_waited_for(settings, unread, chain, capfd):
    workers = Workers(settings.model_copy(update={"representations": ("no.such",)}), count=2)
    workers._foundry._process.wait(60)
    assert len(workers([unread(0)], chain).seen) == 1
    assert not workers.ready
    assert workers.settled
    assert "unknown representations" in capfd.readouterr().err


def test_they_are_waited_for_unless_there_are_none_or_it_is_time_to_stop(chain):
    staff = Staff(Settings(), count=2, lost=print)
    staff.settle(lambda: False, limit=60.0)  # nobody serves yet
    look = staff(_model(chain)).look
    asked = []
    staff.settle(lambda: asked.append(1) or len(asked) == 3, limit=60.0)
    staff.settle(lambda: False, limit=0.0)
    assert len(asked) == 3
    assert not look.settled
    staff.settle(lambda: False, limit=120.0)
    assert look.ready


def test_models_with_the_same_features_share_their_workers(chain):
    staff = Staff(Settings(), count=2, lost=print)
    one, two = staff(_model(chain)), staff(_model(chain))
    assert isinstance(one.look, Workers)
    assert one.look is two.look
    assert staff.processes == 0  # not ready yet
    assert staff(Model(featurizer=TinyFeaturizer(), classifier=TinyClassifier())).look is look
    assert staff(_model(chain)).look is not one.look


def test_the_first_workers_begin_while_the_model_is_still_being_loaded(chain):
    staff = Staff(Settings(), count=2, lost=print)
    staff.begin(chain)
    begun = staff(_model(chain)).look
    staff.begin(Chain(chain.representations[:1]))  # of another model, later: it is not sure yet that it will serve
    assert isinstance(begun, Workers)
    assert staff(_model(chain)).look is begun


def test_one_worker_is_no_process_of_its_own(chain, unread):
    staff = Staff(Settings(), count=1, lost=print)
    assert staff(_model(chain)).look is look
    assert staff.count(unread(0).read.announced) is None
    assert staff.processes == 0
