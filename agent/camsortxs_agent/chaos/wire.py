"""The one place of the soak that speaks Kafka itself: topics with several partitions, and a producer."""

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic


def make_topic(broker: str, name: str, *, partitions: int) -> None:
    """Make a topic; it is there when this returns."""
    admin = AdminClient({"bootstrap.servers": broker})
    for made in admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)]).values():
        made.result(30.0)


def open_producer(broker: str) -> Producer:
    """Return a producer that waits as long as it takes: a beamline's documents are lost by nobody but its broker."""
    return Producer(
        {
            "bootstrap.servers": broker,
            "enable.idempotence": True,
            "message.timeout.ms": 0,
            "linger.ms": 5,
            "log_level": 2,
            "reconnect.backoff.max.ms": 1000,
        }
    )
