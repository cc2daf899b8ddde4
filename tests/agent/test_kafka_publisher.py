import psutil
import pytest

from camsortxs.errors import SinkRejected, SinkUnavailable, SourceError
from camsortxs_agent.demo.broker import embedded_broker
from camsortxs_agent.demo.processes import free_port
from camsortxs_agent.kafka import KafkaPublisher, topics_of


def test_a_broker_that_is_not_there_is_unavailable_and_then_it_is_there():
    port = free_port()
    address = {"bootstrap.servers": f"127.0.0.1:{port}"}
    publisher = KafkaPublisher(config={**address, "reconnect.backoff.max.ms": 200}, timeout=0.5)
    with pytest.raises(SinkUnavailable):
        publisher.publish("results", [("k", b"one")])
    with pytest.raises(SourceError):
        topics_of(address, timeout=0.5)
    with embedded_broker(port):
        publish_at_last(publisher)
        assert "results" in topics_of(address)


def test_a_broker_that_stood_still_takes_what_comes_afterwards():
    # A message that ran out of time on its way makes librdkafka begin a new epoch, which not every broker follows.
    with embedded_broker() as address:
        publisher = KafkaPublisher(config={"bootstrap.servers": address, "reconnect.backoff.max.ms": 200}, timeout=0.5)
        publish_at_last(publisher)
        broker = next(p for p in psutil.Process().children(recursive=True) if f"tcp://{address}" in p.cmdline())
        broker.suspend()
        try:
            with pytest.raises(SinkUnavailable):
                publisher.publish("results", [("k", b"meanwhile")])
        finally:
            broker.resume()
        publish_at_last(publisher)


def publish_at_last(publisher: KafkaPublisher) -> None:
    for attempt in range(20):
        try:
            publisher.publish("results", [("k", b"at last")])
            break
        except SinkUnavailable:
            assert attempt < 19


def test_a_message_over_the_limit_is_refused_for_good(broker):
    publisher = KafkaPublisher(config={"bootstrap.servers": broker, "message.max.bytes": 1000})
    with pytest.raises(SinkRejected) as caught:
        publisher.publish("results", [("k", bytes(2000))])
    assert caught.value.reason == "message_too_large"
    publisher.publish("results", [("k", b"small")])
