"""A broker that asks who is there: name and password of the settings decide whether documents come and go."""

from collections.abc import Callable, Iterator

import pytest
import trustme
from structlog.testing import capture_logs
from support.bluesky_runs import BlueskyRun
from support.certificates import server_side
from support.gate import guarded_broker
from support.running import run

from camsortxs.errors import SinkUnavailable, SourceError
from camsortxs_agent.demo.processes import free_port
from camsortxs_agent.kafka import KafkaPublisher, config, topics_of
from camsortxs_agent.service import Exit
from camsortxs_agent.settings import KafkaSettings, Settings
from camsortxs_agent.wire import encode

USERS = {"camsortxs": "open sesame"}
WRONG = {"a wrong password": ("camsortxs", "hunter2"), "an unknown user": ("somebody", "hunter2")}


@pytest.fixture
def settings(topic) -> Callable[..., KafkaSettings]:
    def make(address: str, *, user: str = "camsortxs", password: str = "open sesame", **more) -> KafkaSettings:
        sasl = {"sasl_mechanism": "PLAIN", "sasl_username": user, "sasl_password": password}
        return KafkaSettings(
            **{"security_protocol": "sasl_plaintext", **sasl, **more},
            bootstrap_servers=address, topics=[topic], group_id=topic, session_timeout_seconds=2,
        )  # fmt: skip

    return make


@pytest.fixture(params=["sasl_plaintext", "sasl_ssl"])
def guarded(request, settings, tmp_path) -> Iterator[KafkaSettings]:
    """A broker that asks for a password, in the clear and through TLS; the settings that open it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = server_side(authority) if request.param == "sasl_ssl" else None
    with guarded_broker(tls=tls, users=USERS) as address:
        yield settings(address, security_protocol=request.param, ssl_ca_location=tmp_path / "ca.pem")


def test_with_the_right_password_documents_come_and_go(guarded, make_source, take, topic):
    documents = [("k", encode(*document)) for document in BlueskyRun("a").inline()]
    KafkaPublisher(config=config.producer(guarded)).publish(topic, documents)
    batches = take(make_source(config=config.consumer(guarded)), lambda batches: any(b.ended for b in batches))
    assert sum(len(batch.frames) for batch in batches) == 3


@pytest.mark.parametrize(("user", "password"), WRONG.values(), ids=WRONG)
def test_with_another_the_source_ends_and_nothing_shows_it(settings, make_source, topic, user, password):
    with guarded_broker(users=USERS) as address, capture_logs() as events:
        refused = settings(address, user=user, password=password)
        said = []
        with pytest.raises(SourceError, match="SASL authentication error") as caught:
            list(make_source(config=config.consumer(refused)).batches())
        said.append(str(caught.value))
        with pytest.raises(SourceError, match="SASL authentication error") as caught:
            topics_of(config.common(refused), timeout=3.0)
        said.append(str(caught.value))
        with pytest.raises(SinkUnavailable, match="SASL authentication error") as caught:
            KafkaPublisher(config=config.producer(refused), timeout=3.0).publish(topic, [("k", b"mine")])
        said.append(str(caught.value))
    assert password not in str([*said, *events])


def test_an_agent_that_is_refused_ends_with_1_for_its_supervisor(settings, tmp_path):
    with guarded_broker(users=USERS) as address:
        refused = Settings(
            kafka=settings(address, password="hunter2"),
            tiled={"uri": f"http://127.0.0.1:{free_port()}"},
            reconcile={"every_minutes": 0},
            dead_letters={"path": tmp_path / "dead.jsonl"},
            http={"port": 0},
        )
        with capture_logs() as events:
            assert run(refused) is Exit.FAILED
    (failed,) = [event for event in events if event["event"] == "source_failed"]
    assert "SASL authentication error" in failed["error"]


@pytest.mark.parametrize("wanted", [{"security_protocol": "plaintext"}, {"sasl_mechanism": "SCRAM-SHA-512"}])
def test_who_does_not_speak_as_the_broker_asks_is_not_let_in(settings, wanted):
    with guarded_broker(users=USERS) as address, pytest.raises(SourceError):
        topics_of(config.common(settings(address, **wanted)), timeout=3.0)
