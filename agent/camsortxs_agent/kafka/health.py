"""What the broker says of itself, and what it means: go on, wait, or give up."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from camsortxs.errors import SourceError
from camsortxs_agent.kafka.words import words

LIBRDKAFKA = logging.getLogger("librdkafka")
"""Where the client library writes to."""

_PROBE_SECONDS = 2.0
_FATAL = {
    "_FATAL",
    "_FENCED",
    "_AUTHENTICATION",
    "FENCED_INSTANCE_ID",
    "SASL_AUTHENTICATION_FAILED",
    "UNSUPPORTED_SASL_MECHANISM",
    "TOPIC_AUTHORIZATION_FAILED",
    "GROUP_AUTHORIZATION_FAILED",
    "CLUSTER_AUTHORIZATION_FAILED",
}
_AWAY = {"_ALL_BROKERS_DOWN", "_TRANSPORT", "_RESOLVE", "_TIMED_OUT"}

log = structlog.get_logger()


class BrokerHealth:
    """Turns librdkafka's errors into readiness, one log line for each change, and `SourceError`.

    Ready is: the broker is there, and partitions are ours.
    """

    def __init__(self, ready: Callable[[bool], None]) -> None:
        self._tell = ready
        self._assigned = False
        self._away = False
        self._fatal: KafkaError | None = None
        self._probed = time.monotonic()
        self._said: set[str] = set()

    def error(self, error: KafkaError) -> None:
        """Hear an error; may be called from within a poll."""
        name = error.name()
        if error.fatal() or name in _FATAL:
            self._fatal = error
        elif name in _AWAY:
            if not self._away:
                log.warning("broker_away", error=words(error))
                self._away = True
                self._tell(False)
        elif name not in self._said:  # an unknown topic is reported again and again
            self._said.add(name)
            log.warning("kafka", error=words(error))

    def check(self) -> None:
        """Raise what cannot be waited out.

        Raises
        ------
        SourceError
            When the broker refuses us for good.
        """
        if self._fatal is not None:
            raise SourceError(f"Kafka: {words(self._fatal)}")

    def there(self) -> None:
        """Note that the broker answered."""
        if self._away:
            log.info("broker_back")
            self._away = False
            self._tell(self._assigned)

    def assigned(self, any_partition: bool) -> None:
        """Note whether partitions are ours."""
        self._assigned = any_partition
        self._tell(any_partition and not self._away)

    def probe(self, consumer: Consumer) -> None:
        """Ask whether a broker that went away is there again: an idle topic does not tell."""
        if not self._away or time.monotonic() - self._probed < _PROBE_SECONDS:
            return
        try:
            consumer.list_topics(timeout=1.0)
        except KafkaException:
            pass
        else:
            self.there()
        self._probed = time.monotonic()


def topics_of(config: Mapping[str, Any], *, timeout: float = 5.0) -> list[str]:
    """Return the topics that the broker has: the cheapest proof that it can be reached.

    Raises
    ------
    SourceError
        When it does not answer, or librdkafka does not take the settings.
    """
    said: list[str] = []
    try:
        admin = AdminClient({**config, "error_cb": lambda error: said.append(words(error))}, logger=LIBRDKAFKA)
    except KafkaException as error:
        raise SourceError(f"Kafka: {error.args[0].str()}") from error
    try:
        return sorted(admin.list_topics(timeout=timeout).topics)
    except KafkaException as error:
        admin.poll(0)  # what it heard meanwhile it tells only here: "certificate verify failed", not "timed out"
        raise SourceError(f"Kafka: {said[0] if said else words(error.args[0])}") from error
