from pathlib import Path

import pytest

from camsortxs.adapters.pixels import FilePixels
from camsortxs.errors import SourceError
from camsortxs_agent.kafka import KafkaPublisher, KafkaSource, config
from camsortxs_agent.runs import Runs
from camsortxs_agent.settings import KafkaSettings

SECURE = KafkaSettings(
    bootstrap_servers="one:9093,two:9093",
    security_protocol="sasl_ssl",
    sasl_mechanism="SCRAM-SHA-512",
    sasl_username="camsortxs",
    sasl_password="hush",
    ssl_ca_location=Path("ca.pem"),
    ssl_certificate_location=Path("client.pem"),
    ssl_key_location=Path("client.key"),
    ssl_key_password="hush too",
    extra={"client.rack": "b7"},
)


@pytest.mark.parametrize("make", [config.consumer, config.producer], ids=["consumer", "producer"])
def test_tls_and_sasl_reach_librdkafka(make):
    properties = make(SECURE)
    assert properties["bootstrap.servers"] == "one:9093,two:9093"
    assert properties["security.protocol"] == "sasl_ssl"
    assert properties["sasl.mechanism"] == "SCRAM-SHA-512"
    assert (properties["sasl.username"], properties["sasl.password"]) == ("camsortxs", "hush")
    assert properties["ssl.ca.location"] == "ca.pem"
    assert (properties["ssl.certificate.location"], properties["ssl.key.location"]) == ("client.pem", "client.key")
    assert properties["ssl.key.password"] == "hush too"
    assert properties["client.rack"] == "b7"


def test_what_is_not_set_is_left_to_librdkafka():
    assert set(config.producer(KafkaSettings())) == {"bootstrap.servers", "client.id", "security.protocol"}


def test_secrets_show_in_no_representation():
    assert "hush" not in repr(SECURE) + str(SECURE) + repr(KafkaPublisher(config=config.producer(SECURE)))


def test_large_messages_fit_into_the_receive_buffer():
    assert config.consumer(KafkaSettings(max_message_bytes=300_000_000))["receive.message.max.bytes"] > 300_000_000


def test_settings_that_librdkafka_does_not_take_end_the_source():
    settings = {"bootstrap.servers": "127.0.0.1:9", "security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN"}
    source = KafkaSource(config={**settings, "group.id": "g"}, topics=["t"], runs=Runs(pixels=FilePixels(roots=[])))
    with pytest.raises(SourceError, match="must be set"):
        next(source.batches())
