"""Passwords and keys of the settings, looked for in everything that an agent in trouble says."""

import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from functools import partial
from io import StringIO
from uuid import uuid4

import httpx
import pytest
import trustme
from confluent_kafka import Consumer
from support.bluesky_runs import BlueskyRun
from support.certificates import server_side, write_client_side
from support.gate import guarded_broker
from support.leftovers import LEAVES_SOCKETS, collect_sockets
from support.running import meanwhile, names_of_our_own, problems, run, until
from typer.testing import CliRunner

from camsortxs_agent import log
from camsortxs_agent.__main__ import app
from camsortxs_agent.demo.processes import free_port
from camsortxs_agent.kafka import KafkaPublisher, config, topics_of
from camsortxs_agent.service import Exit
from camsortxs_agent.settings import KafkaSettings, Settings
from camsortxs_agent.wire import encode

PASSWORD, KEY_PASSWORD, API_KEY = "hunter2-of-kafka", "hunter2-of-the-key", "hunter2ofTiled"
SECRET = "hunter2"


@pytest.fixture
def said(capfd, restored_logging) -> Callable[[], str]:
    """Log everything that there is to log; return what was said so far."""
    stream = StringIO()
    with redirect_stderr(stream):  # the log goes there for good
        log.configure(level="debug")
    return lambda: "\n".join((stream.getvalue(), *capfd.readouterr()))


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def make_settings(authority, tmp_path) -> Callable[..., Settings]:
    """Make settings full of secrets: a password for Kafka, one for our key, a key for Tiled."""

    def make(broker: str, tiled: str, *, password: str = PASSWORD, key: str = API_KEY, **more) -> Settings:
        return Settings(
            kafka={
                **names_of_our_own(broker),
                "session_timeout_seconds": 2,
                "security_protocol": "sasl_ssl",
                "sasl_mechanism": "PLAIN",
                "sasl_username": "camsortxs",
                "sasl_password": password,
                "extra": {"debug": "all"},
                **write_client_side(authority, tmp_path, password=KEY_PASSWORD),
            },
            tiled={"uri": tiled, "api_key": key},
            reconcile={"every_minutes": 0},
            dead_letters={"path": tmp_path / "dead.jsonl"},
            http={"port": free_port()},
            **more,
        )

    return make


@pytest.fixture
def guarded(authority) -> Iterator[str]:
    """A broker that asks for a certificate and a password."""
    with guarded_broker(tls=server_side(authority, mutual=True), users={"camsortxs": PASSWORD}) as address:
        yield address


@pytest.fixture(autouse=True)
def _tiled_that_gives_up(monkeypatch, caplog) -> Iterator[None]:
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)  # its own patience is 45 s a call
    yield
    caplog.get_records("call").clear()  # among them is what has the sockets
    collect_sockets()


def quiet(settings: Settings) -> KafkaSettings:
    """The same for clients that are not the agent's."""
    return settings.kafka.model_copy(update={"extra": {}})


def served(settings: Settings) -> str:
    """Everything that the port of the agent answers."""
    there = f"http://127.0.0.1:{settings.http.port}"
    return "\n".join(httpx.get(there + path).text for path in ("/metrics", "/readyz", "/healthz", "/settings"))


def letters(settings: Settings) -> str:
    """What is in the topic of dead letters, and in the file."""
    consumer = Consumer(config.consumer(quiet(settings).model_copy(update={"group_id": uuid4().hex})))
    consumer.subscribe([settings.kafka.dead_letter_topic])
    found: list[bytes] = []
    until(lambda: (m := consumer.poll(0.5)) is not None and not m.error() and not found.append(m.value()))
    consumer.close()
    return b"".join(found).decode() + settings.dead_letters.path.read_text()


def test_while_tiled_refuses_the_key(said, guarded, make_settings, tiled_server):
    settings = make_settings(guarded, tiled_server.uri)
    heard: list[str] = []
    messages = [b"rubbish", *(encode(*document) for document in BlueskyRun(str(uuid4())).inline())]
    publisher = KafkaPublisher(config=config.producer(quiet(settings)))
    publisher.publish(settings.kafka.topics[0], [("k", message) for message in messages])

    def story() -> None:
        until(lambda: "401" in (problems(settings) or {}).get("catalogue", ""))
        heard.extend((served(settings), letters(settings)))

    with meanwhile(story):
        assert run(settings) is Exit.DONE
    heard.append(said())
    assert '"reason": "undecodable"' in heard[1]
    assert "sasl.password" in heard[2]  # librdkafka lists its settings, and leaves the secrets out
    assert not [text for text in heard if SECRET in text]


def test_when_kafka_refuses_the_password(said, guarded, make_settings):
    assert run(make_settings(guarded, f"http://127.0.0.1:{free_port()}", password="hunter2-of-nobody")) is Exit.FAILED
    heard = said()
    assert "SASL authentication error" in heard
    assert SECRET not in heard


def test_when_it_crashes_with_passwords_in_its_hands(said, make_settings, monkeypatch):
    def crash(properties, **_):
        assert properties["sasl.password"] == PASSWORD
        raise RuntimeError("no luck")

    monkeypatch.setattr("camsortxs_agent.kafka.reader.Consumer", crash)
    assert run(make_settings("127.0.0.1:9", f"http://127.0.0.1:{free_port()}")) is Exit.FAILED
    heard = said()
    assert "no luck" in heard
    assert "reader.py" in heard
    assert SECRET not in heard


# Tiled 0.2.20 calls websockets 17 as older ones were called.
@pytest.mark.filterwarnings("ignore:connect.* must be used as a context manager:DeprecationWarning")
def test_while_tiled_is_listened_to(said, catalogue, tiled_server):
    subscription = catalogue.raw.subscribe()
    subscription.start_in_thread()
    subscription.disconnect()
    assert tiled_server.api_key not in said()


@LEAVES_SOCKETS
def test_in_the_findings_of_check(said, guarded, tiled_server, make_settings, tmp_path, monkeypatch):
    kafka = make_settings(guarded, tiled_server.uri, password="hunter2-of-nobody").kafka
    for name, value in kafka.model_dump(mode="json", exclude_unset=True).items():
        monkeypatch.setenv(f"CAMSORTXS_KAFKA__{name.upper()}", value if isinstance(value, str) else json.dumps(value))
    for name in ("sasl_password", "ssl_key_password"):
        monkeypatch.setenv(f"CAMSORTXS_KAFKA__{name.upper()}", getattr(kafka, name).get_secret_value())
    monkeypatch.setenv("CAMSORTXS_TILED__URI", tiled_server.uri)
    monkeypatch.setenv("CAMSORTXS_TILED__API_KEY", API_KEY)
    monkeypatch.setenv("CAMSORTXS_MODEL__PATH", str(tmp_path / "none"))  # a model would be compiled first
    monkeypatch.setattr("camsortxs_agent.check.topics_of", partial(topics_of, timeout=1.0))
    result = CliRunner().invoke(app, ["check"])
    heard = result.output + said()
    assert result.exit_code == 1
    assert "SASL authentication error" in " ".join(heard.replace("│", " ").split())
    assert "401" in heard
    assert SECRET not in heard
