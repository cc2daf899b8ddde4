"""A file that whoever reads it dies of, as one may of a decoder's fault: the very first that an agent hears of."""

import json

import pytest
from support.bluesky_runs import BlueskyRun, write_hdf5
from support.running import until

from camsortxs_agent.demo.agent import configuration, running_agent
from camsortxs_agent.demo.results import listen
from camsortxs_agent.demo.wire import create_topics
from camsortxs_agent.kafka import KafkaPublisher
from camsortxs_agent.wire import encode

DEADLY = """
import os, signal
from camsortxs.adapters.pixels import FilePixels

read = FilePixels.read

def deadly(self, reference):
    if "poison" in reference.uri:
        os.kill(os.getpid(), signal.SIGSEGV)
    return read(self, reference)

FilePixels.read = deadly
"""


@pytest.fixture
def deadly_reader(tmp_path, monkeypatch):
    """Python programs that begin now die of files with that name: `sitecustomize` is what they import first."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(DEADLY)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_it_costs_its_own_events_and_never_the_agent(deadly_reader, broker, tiled_server, tmp_path):
    topics = {"topic": "poison-documents", "results": "poison-results"}
    create_topics(broker, list(topics.values()))
    letters = tmp_path / "dead-letters.jsonl"
    pixels = (tmp_path / "detector").resolve()
    pixels.mkdir()
    settings = configuration(broker=broker, **topics, tiled=tiled_server, pixels=pixels, dead_letters=letters)
    settings["batch"] = {"workers": 2}
    for name in ("poison", "harmless"):
        run = BlueskyRun(name, frames=3)
        write_hdf5(pixels / f"{name}.h5", run.images)
        documents = run.stream(pixels / f"{name}.h5", steps=[(0, 1), (1, 3)])
        KafkaPublisher(config={"bootstrap.servers": broker}).publish(
            topics["topic"], [("k", encode(*document)) for document in documents]
        )

    with (
        listen(broker, topics["results"]) as results,
        running_agent(settings, folder=tmp_path, log=tmp_path / "agent.log") as agent,
    ):
        until(lambda: agent.check() or ("harmless" in results.runs and results.runs["harmless"].index is not None))
        agent.stop()

    assert len(results.runs["harmless"].frames) == 3
    refused = [json.loads(line) for line in letters.read_text().splitlines()]
    assert [letter["reason"] for letter in refused] == ["worker_died"] * 3
