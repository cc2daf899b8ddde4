"""From our settings to librdkafka's: the one place where Kafka's secrets are spelled out."""

from typing import Any

from camsortxs_agent.settings import KafkaSettings


def common(settings: KafkaSettings) -> dict[str, Any]:
    """Return what consumers and producers share: addresses, TLS, SASL."""
    wanted: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": "camsortxs",
        "security.protocol": settings.security_protocol,
        "sasl.mechanism": settings.sasl_mechanism,
        "sasl.username": settings.sasl_username,
        "sasl.password": settings.sasl_password and settings.sasl_password.get_secret_value(),
        "ssl.ca.location": settings.ssl_ca_location and str(settings.ssl_ca_location),
        "ssl.certificate.location": settings.ssl_certificate_location and str(settings.ssl_certificate_location),
        "ssl.key.location": settings.ssl_key_location and str(settings.ssl_key_location),
        "ssl.key.password": settings.ssl_key_password and settings.ssl_key_password.get_secret_value(),
        **settings.extra,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def consumer(settings: KafkaSettings) -> dict[str, Any]:
    """Return the consumer's properties. A new group begins at the oldest message: nothing is lost."""
    session = int(settings.session_timeout_seconds * 1000)
    return {
        "group.id": settings.group_id,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": session,
        "heartbeat.interval.ms": min(3000, max(1, session // 3)),
        "receive.message.max.bytes": max(100_000_000, settings.max_message_bytes + 1_000_000),
        **common(settings),
    }


def producer(settings: KafkaSettings) -> dict[str, Any]:
    """Return the producer's properties."""
    return common(settings)
