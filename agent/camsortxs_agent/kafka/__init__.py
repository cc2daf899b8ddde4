"""Kafka, both ways. Nothing else in the project knows of it."""

from camsortxs_agent.kafka.health import topics_of
from camsortxs_agent.kafka.publisher import KafkaPublisher
from camsortxs_agent.kafka.source import KafkaSource
from camsortxs_agent.kafka.stretch import Place, Stretch

__all__ = ["KafkaPublisher", "KafkaSource", "Place", "Stretch", "topics_of"]
