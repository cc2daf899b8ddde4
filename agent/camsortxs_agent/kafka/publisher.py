"""Documents out: delivered, all of them, or an error."""

from collections.abc import Mapping, Sequence
from threading import Lock
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from camsortxs.errors import SinkRejected, SinkUnavailable, SourceError
from camsortxs_agent.kafka.health import LIBRDKAFKA
from camsortxs_agent.kafka.words import words

_TOO_LARGE, _IN_VAIN = {"MSG_SIZE_TOO_LARGE", "_MSG_SIZE_TOO_LARGE"}, "_MSG_TIMED_OUT"


class KafkaPublisher:
    """Sends messages to topics, and says for each lot whether all of it was delivered.

    `config` goes to librdkafka as it is; nothing connects before the first message.
    """

    def __init__(self, *, config: Mapping[str, Any], timeout: float = 10.0) -> None:
        self._config = {"enable.idempotence": True, "message.timeout.ms": int(timeout * 1000), "linger.ms": 0, **config}
        self._timeout = timeout
        self._producer: Producer | None = None
        self._said: list[str] = []
        self._lock = Lock()

    def open(self) -> Producer:
        """Return the producer, made at the first call.

        Raises
        ------
        SourceError
            When librdkafka does not take the settings.
        """
        if self._producer is None:
            hear = {"error_cb": lambda error: self._said.append(words(error))}
            try:
                self._producer = Producer({**self._config, **hear}, logger=LIBRDKAFKA)
            except KafkaException as error:
                raise SourceError(f"Kafka settings: {error.args[0].str()}") from error
        return self._producer

    def publish(self, topic: str, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages (key, value) in order and wait until they are delivered; in any thread, one at a time.

        Raises
        ------
        SinkUnavailable
            When not all of them were; those that were come twice when the lot is sent again.
        SinkRejected
            With reason `message_too_large`.
        SourceError
            As `open`.
        """
        with self._lock:
            self._publish(topic, messages)

    def _publish(self, topic: str, messages: Sequence[tuple[str, bytes]]) -> None:
        producer = self.open()
        self._said.clear()
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failures.append(error)

        try:
            for key, value in messages:
                self._queue(producer, failures, topic=topic, value=value, key=key, on_delivery=delivered)
        except BufferError:
            if not failures:  # else they say why there is no room
                producer.purge()
                raise SinkUnavailable(f"{topic}: more is queued than the broker takes") from None
        except KafkaException as error:
            failures.append(error.args[0])
        late = producer.flush(self._timeout + 1.0)
        if failures:
            names = {error.name() for error in failures}
            if names - _TOO_LARGE - {_IN_VAIN} or any(error.fatal() for error in failures):
                self._producer = None  # a broker that takes it for one of another time will do so for ever
            if failures[0].name() in _TOO_LARGE:
                raise SinkRejected("message_too_large", f"{topic}: {failures[0].str()}")
            why = words(failures[0])
            if failures[0].name() == _IN_VAIN:  # what for was said beside it
                why = next(iter(self._said), why)
            raise SinkUnavailable(f"{topic}: {why}")
        if late:
            producer.purge()
            raise SinkUnavailable(f"{topic}: not delivered within {self._timeout:g} s")

    def _queue(self, producer: Producer, failures: Sequence[KafkaError], **message: Any) -> None:
        """Hand over a message; librdkafka's queue is bounded (100,000 messages): where it is full, wait for room.

        Raises
        ------
        BufferError
            When there is none in time, or after a failure.
        """
        until = monotonic() + self._timeout + 1.0
        while True:
            try:
                producer.produce(**message)
                break
            except BufferError:
                if failures or monotonic() > until:
                    raise
                producer.poll(0.1)
        producer.poll(0)
