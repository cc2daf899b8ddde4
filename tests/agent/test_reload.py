"""A promotion while the agent serves: real bundles, on disk and off it again."""

import os
import signal
import threading

import pytest
import structlog
from classifiers.bundles import promote, spoil, write_bundle
from support.publisher import Published

from camsortxs.adapters.tiled import TiledSink
from camsortxs.frames import Batch, RunEnd
from camsortxs.pipeline import Pipeline
from camsortxs_agent.outlets import InTurn
from camsortxs_agent.reload import Reloader, fingerprint
from camsortxs_agent.results import ResultsTopic
from camsortxs_agent.serving import load_model
from camsortxs_agent.settings import ModelSettings


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    for version in ("0.1.0", "0.2.0"):
        write_bundle(folder, name=f"tiny/{version}")
    return folder


@pytest.fixture
def models(bundles, tmp_path):
    """A folder of two models, of which the older one serves."""
    folder = tmp_path / "models"
    for file in bundles.rglob("*"):
        if file.is_file():
            copy = folder / file.relative_to(bundles)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    promote(folder, "0.1.0")
    return folder


@pytest.fixture
def make(models):
    """Make a reloader of that folder, with the lists of what it swapped in and told."""

    def build(**options):
        settings = ModelSettings(path=options.get("path", models), device="cpu")
        swapped, told, loads = [], [], []

        def load():
            loads.append(threading.current_thread().name)
            return load_model(settings)

        seen = fingerprint(settings.path)
        reloader = Reloader(
            **{
                "path": settings.path,
                "every": 0.0,
                "served": load_model(settings),
                "seen": seen,
                "load": load,
                "swap": lambda loaded: swapped.append(loaded.model.reference),
                "told": told.append,
                **options,
            }
        )
        reloader.heard = (swapped, told, loads)
        return reloader

    return build


def test_a_promotion_swaps_and_a_rollback_swaps_back(make, models):
    reloader = make()
    swapped, told, _ = reloader.heard
    assert reloader.look() is None
    for version in ("0.2.0", "0.1.0"):
        promote(models, version)
        assert [reloader.look(), reloader.look()] == ["swapped", None]
    assert swapped == ["tiny@0.2.0", "tiny@0.1.0"]
    assert told == ["swapped", "swapped"]


def test_a_bad_one_is_refused_once_and_tried_again_when_it_changed(make, models):
    reloader = make()
    swapped, told, loads = reloader.heard
    mend = spoil(models, "0.2.0")
    promote(models, "0.2.0")

    with structlog.testing.capture_logs() as logs:
        assert [reloader.look() for _ in range(3)] == ["refused", None, None]
    assert len(loads) == 1
    assert swapped == []
    (refusal,) = (event for event in logs if event["event"] == "model_refused")
    assert "was changed" in refusal["error"]
    assert refusal["serving"] == "tiny@0.1.0"

    assert reloader.look(anyway=True) == "refused", "asked for, it is tried again"
    mend()
    assert reloader.look() == "swapped"
    assert told == ["refused", "refused", "swapped"]


def test_going_back_to_what_serves_is_no_swap_and_ends_the_refusal(make, models):
    reloader = make()
    spoil(models, "0.2.0")
    promote(models, "0.2.0")
    reloader.look()
    promote(models, "0.1.0")
    assert reloader.look() == "unchanged"
    assert reloader.heard[:2] == ([], ["refused", "unchanged"])


@pytest.mark.parametrize("damage", ["no pointer", "not JSON", "no such bundle"])
def test_a_pointer_that_is_not_to_be_used_is_refused(make, models, damage):
    reloader = make()
    if damage == "no pointer":
        (models / "champion.json").unlink()
    elif damage == "not JSON":
        (models / "champion.json").write_text("{")
    else:
        promote(models, "9.9.9")
    assert [reloader.look(), reloader.look()] == ["refused", None]


def test_what_nobody_foresaw_is_a_refusal_too(make, models):
    class Odd(BaseException):
        pass

    def load():
        raise Odd("segment")

    reloader = make(load=load)
    promote(models, "0.2.0")
    assert reloader.look() == "refused"


def test_one_bundle_without_a_pointer_is_watched_as_well(make, models):
    reloader = make(path=models / "tiny" / "0.1.0")
    write_bundle(models, name="tiny/0.1.0", golden=False)
    assert reloader.look() == "swapped"


def test_it_looks_by_itself_and_when_it_is_asked_from_a_signal_handler(make, models):
    heard = threading.Semaphore(0)
    options = {"swap": lambda loaded: heard.release()}
    promote(models, "0.1.0")
    by_itself = make(every=0.02, **options)
    with by_itself.running():
        promote(models, "0.2.0")
        assert heard.acquire(timeout=20)
    asked = make(**options)
    before = signal.signal(signal.SIGHUP, lambda number, frame: asked.ask())
    try:
        with asked.running():
            promote(models, "0.1.0")
            os.kill(os.getpid(), signal.SIGHUP)
            assert heard.acquire(timeout=20)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert "reload" not in {thread.name for thread in threading.enumerate()}


def test_a_run_in_flight_gets_one_record_and_one_index_of_the_model_that_it_began_with(
    make, models, make_frame, catalogue, begin_raw_run
):
    run = begin_raw_run()
    published = Published()
    first = load_model(ModelSettings(path=models, device="cpu"))
    sinks = InTurn([ResultsTopic(published, topic="results"), TiledSink(catalogue, by="live")], written=lambda: None)
    line = Pipeline(model=first.model, sink=sinks)
    reloader = make(swap=lambda loaded: line.serve(loaded.model))
    frames = [make_frame(i, run=run) for i in range(4)]

    line.process(Batch(frames=tuple(frames[:2])))
    promote(models, "0.2.0")
    reloader.look()
    line.process(Batch(frames=tuple(frames[2:]), ended=(RunEnd(run=run),)))

    (record,) = catalogue.results.values()
    assert record.metadata["start"]["uid"] == f"{run}-tiny-0.1.0"
    table = record["primary"]
    assert list(table["raw_index"].read()) == [0, 1, 2, 3]
    assert list(table["model"].read()) == ["tiny@0.1.0"] * 2 + ["tiny@0.2.0"] * 2
    index = catalogue.raw[run].metadata["camsortxs"]
    assert (index["model"], index["frames"]) == ("tiny@0.1.0", 4)
    documents = published.documents
    assert [name for name, _ in documents] == ["start", "descriptor", *["event"] * 4, "stop"]
    assert {d["descriptor"] for name, d in documents if name == "event"} == {documents[1][1]["uid"]}

    later = begin_raw_run()
    line.process(Batch(frames=(make_frame(run=later),), ended=(RunEnd(run=later),)))
    assert catalogue.raw[later].metadata["camsortxs"]["model"] == "tiny@0.2.0"
