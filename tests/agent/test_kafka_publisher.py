from uuid import uuid4

import psutil
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

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


def test_a_lot_that_is_larger_than_the_queue_is_delivered_once_and_in_order(broker):
    topic, values = f"large-lot-{uuid4().hex[:8]}", [b"%d" % number for number in range(2000)]
    publisher = KafkaPublisher(config={"bootstrap.servers": broker, "queue.buffering.max.messages": 10})
    publisher.publish(topic, [("k", value) for value in values])

    consumer = Consumer({"bootstrap.servers": broker, "group.id": topic})
    partitions = consumer.list_topics(topic, timeout=10.0).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
    try:
        seen = [message.value() for message in consumer.consume(len(values) + 1, timeout=5.0)]
    finally:
        consumer.close()
    assert seen == values


def test_a_lot_that_is_larger_than_the_queue_is_given_up_where_there_is_no_broker():
    address = {"bootstrap.servers": f"127.0.0.1:{free_port()}", "queue.buffering.max.messages": 10}
    publisher = KafkaPublisher(config=address, timeout=0.5)
    for _ in range(2):  # what is left in the queue is not in the way of the next lot
        with pytest.raises(SinkUnavailable, match=r"results: .*(refused|down)"):
            publisher.publish("results", [("k", b"one")] * 100)


def test_a_queue_that_nobody_empties_is_given_up_in_time():
    address = {"bootstrap.servers": f"127.0.0.1:{free_port()}", "queue.buffering.max.messages": 10}
    publisher = KafkaPublisher(config={**address, "message.timeout.ms": 600_000}, timeout=0.5)
    with pytest.raises(SinkUnavailable, match="more is queued"):
        publisher.publish("results", [("k", b"one")] * 100)
