"""A source of our own on a broker over the wire."""

import threading
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from confluent_kafka import Producer

from camsortxs.adapters.pixels import FilePixels
from camsortxs.frames import Batch
from camsortxs_agent.kafka import KafkaPublisher, KafkaSource
from camsortxs_agent.runs import Runs
from camsortxs_agent.wire import encode

_numbers = count()


@pytest.fixture
def mock_broker() -> Iterator[str]:
    """The broker inside librdkafka: unlike the embedded one, it keeps what is committed beside an offset."""
    owner = Producer({"bootstrap.servers": "none:1", "test.mock.num.brokers": 1})
    yield ",".join(f"{b.host}:{b.port}" for b in owner.list_topics(timeout=10).brokers.values())
    del owner


@pytest.fixture
def topic() -> str:
    """A topic (and a consumer group) that no other test uses."""
    return f"documents-{next(_numbers)}"


@pytest.fixture
def publish(broker: str, topic: str) -> Callable[..., None]:
    """Publish documents or raw bytes, all to one partition."""
    publishers: dict[str, KafkaPublisher] = {}

    def send(*messages, to: str = broker) -> None:
        publisher = publishers.setdefault(to, KafkaPublisher(config={"bootstrap.servers": to}))
        publisher.publish(topic, [("k", m if isinstance(m, bytes) else encode(*m)) for m in messages])

    return send


@pytest.fixture
def make_source(broker: str, topic: str) -> Callable[..., KafkaSource]:
    """Make a source on the test's topic."""

    def make(*, roots=(), **options) -> KafkaSource:
        config = {
            "bootstrap.servers": broker,
            "group.id": topic,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 2000,
            "heartbeat.interval.ms": 500,
            **options.pop("config", {}),
        }
        runs = options.pop("runs", Runs(pixels=FilePixels(roots=roots, patience=0.0)))
        return KafkaSource(config=config, topics=[topic], runs=runs, **options)

    return make


@pytest.fixture
def take() -> Callable[..., list[Batch]]:
    """Take batches of a source until `enough(batches)`; each is acknowledged at once, unless told otherwise."""

    def take(source: KafkaSource, enough, *, acknowledge: bool = True, patience: float = 60.0) -> list[Batch]:
        taken: list[Batch] = []
        alarm = threading.Timer(patience, source.stop)
        alarm.start()
        for batch in map(Batch.read, source.batches()):
            if batch.frames or batch.rejected or batch.ended:
                taken.append(batch)
            if acknowledge:
                batch.acknowledge()
            if enough(taken):
                source.stop()
        alarm.cancel()
        assert enough(taken), f"only {taken} after {patience} s"
        return taken

    return take
