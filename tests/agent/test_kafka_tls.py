"""A broker that is reached through TLS: what the settings say decides who is spoken with."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import trustme
from confluent_kafka import KafkaError
from structlog.testing import capture_logs
from support.bluesky_runs import BlueskyRun
from support.certificates import server_side, write_client_side
from support.gate import guarded_broker
from support.running import stopped

from camsortxs.errors import SinkUnavailable, SourceError
from camsortxs_agent import check
from camsortxs_agent.kafka import KafkaPublisher, config, topics_of
from camsortxs_agent.kafka.words import words
from camsortxs_agent.settings import KafkaSettings, Settings
from camsortxs_agent.wire import encode


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def client(authority, tmp_path_factory) -> dict[str, str]:
    """The settings of a client with a certificate of the authority."""
    return write_client_side(authority, tmp_path_factory.mktemp("client"), password="open sesame")


@pytest.fixture
def trusting(client) -> dict[str, str]:
    """The settings of one who trusts the authority and has no certificate."""
    return {"ssl_ca_location": client["ssl_ca_location"]}


@pytest.fixture
def distrusting(tmp_path) -> dict[str, str]:
    """The settings of one who trusts another authority."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "another.pem")
    return {"ssl_ca_location": str(tmp_path / "another.pem")}


@pytest.fixture
def settings(topic) -> Callable[..., KafkaSettings]:
    return partial(
        KafkaSettings, security_protocol="ssl", topics=[topic], group_id=topic, session_timeout_seconds=2
    )  # fmt: skip


@pytest.mark.parametrize("side", ["trusting", "client"])
def test_documents_come_and_go_where_certificates_are_in_order(
    authority, settings, make_source, take, topic, side, request
):
    tls = request.getfixturevalue(side)
    with guarded_broker(tls=server_side(authority, mutual=side == "client")) as address:
        there = settings(bootstrap_servers=address, **tls)
        documents = [("k", encode(*document)) for document in BlueskyRun("a").inline()]
        KafkaPublisher(config=config.producer(there)).publish(topic, documents)
        batches = take(make_source(config=config.consumer(there)), lambda batches: any(b.ended for b in batches))
        assert topics_of(config.common(there)) == [topic]
    assert sum(len(batch.frames) for batch in batches) == 3


@pytest.mark.parametrize(("side", "host"), [("distrusting", "127.0.0.1"), ("trusting", "elsewhere.example.org")])
def test_nothing_comes_or_goes_where_the_broker_may_be_another(
    authority, settings, make_source, topic, side, host, request
):
    tls = request.getfixturevalue(side)
    broker = guarded_broker(tls=server_side(authority, host=host))
    with broker as address, capture_logs() as events, ThreadPoolExecutor() as pool:
        there = settings(bootstrap_servers=address, **tls)
        ready, failed = [], threading.Event()
        source = make_source(config=config.consumer(there), ready=lambda r: (ready.append(r), r or failed.set()))
        taking = pool.submit(lambda: list(source.batches()))
        with stopped(source):
            with pytest.raises(SinkUnavailable, match=r"certificate verify failed.*ssl\.ca\.location"):
                KafkaPublisher(config=config.producer(there), timeout=1.0).publish(topic, [("k", b"mine")])
            assert failed.wait(30.0)
        assert taking.result() == []
    assert True not in ready
    assert any("certificate verify failed" in event.get("error", "") for event in events)


@pytest.mark.parametrize(
    "told", ["", ": broker certificate could not be verified, verify that ssl.ca.location is right"]
)
def test_what_to_look_at_is_said_also_where_librdkafka_does_not_say_it(told):
    error = KafkaError(KafkaError._SSL, f"error:0A000086:SSL routines::certificate verify failed{told}")
    assert words(error).count("ssl.ca.location") == 1
    assert "ssl.ca.location" not in words(KafkaError(KafkaError._TRANSPORT, "Connection refused"))


def test_check_says_that_the_broker_may_be_another(authority, settings, distrusting, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "topics_of", partial(topics_of, timeout=1.0))
    with guarded_broker(tls=server_side(authority)) as address:
        kafka = settings(bootstrap_servers=address, **distrusting)
        findings = check.perform(Settings(kafka=kafka, model={"path": tmp_path}))  # a model would be compiled first
        finding = next(each for each in findings if each.what == "Kafka")
    assert not finding.good
    assert "certificate verify failed" in finding.detail
    assert "ssl.ca.location" in finding.detail


def test_who_shows_no_certificate_is_not_let_in_where_one_is_asked_for(authority, settings, trusting, client):
    with guarded_broker(tls=server_side(authority, mutual=True)) as address:
        with pytest.raises(SourceError):
            topics_of(config.common(settings(bootstrap_servers=address, **trusting)), timeout=1.0)
        assert topics_of(config.common(settings(bootstrap_servers=address, **client))) == []


def test_a_key_that_its_password_does_not_open_ends_the_source(settings, make_source, client):
    closed = settings(bootstrap_servers="127.0.0.1:9", **client | {"ssl_key_password": "hunter2"})
    with pytest.raises(SourceError, match=r"ssl\.key\.location failed") as caught:
        list(make_source(config=config.consumer(closed)).batches())
    assert "hunter2" not in str(caught.value)
