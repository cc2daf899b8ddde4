from collections import Counter
from uuid import uuid4

import msgpack
import msgpack_numpy
import numpy as np
import pytest
from confluent_kafka import Consumer
from tiled.client import from_uri

from camsortxs_agent.demo.beamline import FORMS, open_beamline

# What each form puts on the wire, beside start, descriptor and stop; three frames in each run.
DOCUMENTS = {
    "event": {"event": 3},
    "event_page": {"event_page": 2},
    "resource": {"resource": 1, "datum": 3, "event": 3},
    "stream_resource": {"stream_resource": 1, "stream_datum": 3, "event": 3},
}


@pytest.fixture(scope="module")
def published(broker, tiled_server, tmp_path_factory):
    """A run in each form: its frames, its uid by form, and the messages of each run."""
    frames = list(np.random.default_rng(4).poisson(3, (3, 256, 240)).astype(np.int32))
    topic = f"{uuid4()}.bluesky.runengine.documents"
    client = from_uri(tiled_server.uri, api_key=tiled_server.api_key)
    container = f"raw-{uuid4()}"
    client.create_container(container)
    folder = tmp_path_factory.mktemp("detector")
    with open_beamline(broker=broker, topic=topic, tiled=tiled_server, folder=folder, path=container) as beamline:
        beamline.take(frames, form="event", live=False)
        runs = {
            form: beamline.take(
                frames, form=form, configuration={"det_dist": (3500.0, "mm")}, metadata={"energy": 12.4}
            )
            for form in FORMS
        }
    yield frames, runs, _messages(broker, topic, len(runs)), client[container]
    client.context.close()


def _messages(broker: str, topic: str, runs: int) -> list[list]:
    settings = {"group.id": topic, "auto.offset.reset": "earliest", "session.timeout.ms": 6000}
    consumer = Consumer({"bootstrap.servers": broker, **settings})
    consumer.subscribe([topic])
    by_run: list[list] = []
    while len(by_run) < runs or by_run[-1][-1][0] != "stop":
        message = consumer.poll(30.0)
        assert message is not None, "the broker has no more messages"
        assert message.error() is None
        name, document = msgpack.unpackb(message.value(), object_hook=msgpack_numpy.decode, strict_map_key=False)
        if name == "start":
            by_run.append([])
        by_run[-1].append((name, document))
    consumer.close()
    return by_run


@pytest.mark.parametrize("form", FORMS)
def test_the_documents_of_a_form_are_on_the_wire(published, form):
    _, runs, messages, _ = published
    documents = messages[FORMS.index(form)]
    assert documents[0][1]["uid"] == runs[form]
    assert documents[0][1]["energy"] == 12.4
    assert Counter(name for name, _ in documents) == {"start": 1, "descriptor": 1, "stop": 1, **DOCUMENTS[form]}
    (configuration,) = (document["configuration"] for name, document in documents if name == "descriptor")
    assert configuration["pilatus"]["data"] == {"pilatus_det_dist": 3500.0}
    assert configuration["pilatus"]["data_keys"]["pilatus_det_dist"]["units"] == "mm"


@pytest.mark.parametrize("form", FORMS)
def test_tiled_has_the_pixels(published, form):
    frames, runs, _, container = published
    run = container[runs[form]]
    assert "stop" in run.metadata
    assert np.array_equal(run["primary"]["pilatus"].read().reshape(-1, 256, 240), frames)


def test_an_archived_run_is_in_tiled_alone(published):
    _, runs, messages, container = published
    assert len(container) == len(messages) + 1 == len(FORMS) + 1
    assert not {documents[0][1]["uid"] for documents in messages} - set(runs.values())


def test_msgpack_is_left_as_it_was():
    assert msgpack.unpackb is not msgpack_numpy.unpackb
    assert msgpack.packb is not msgpack_numpy.packb
