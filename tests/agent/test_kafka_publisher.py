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
        for attempt in range(20):
            try:
                publisher.publish("results", [("k", b"two")])
                break
            except SinkUnavailable:
                assert attempt < 19
        assert "results" in topics_of(address)


def test_a_message_over_the_limit_is_refused_for_good(broker):
    publisher = KafkaPublisher(config={"bootstrap.servers": broker, "message.max.bytes": 1000})
    with pytest.raises(SinkRejected) as caught:
        publisher.publish("results", [("k", bytes(2000))])
    assert caught.value.reason == "message_too_large"
    publisher.publish("results", [("k", b"small")])
