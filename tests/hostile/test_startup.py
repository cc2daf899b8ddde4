"""What the agent needs is not there when it starts: it waits, says so, and loses nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from bluesky_tiled_plugins import TiledWriter
from pydantic import SecretStr
from support.bluesky_runs import BlueskyRun
from support.running import meanwhile, names_of_our_own, problems, run, until
from tiled.client import from_uri

from camsortxs.classifiers.bundle import default_bundle
from camsortxs.errors import ModelError
from camsortxs_agent import service, serving, wiring
from camsortxs_agent.demo.broker import embedded_broker
from camsortxs_agent.demo.processes import free_port
from camsortxs_agent.demo.results import listen
from camsortxs_agent.demo.wire import create_topics
from camsortxs_agent.kafka import KafkaPublisher
from camsortxs_agent.settings import Settings
from camsortxs_agent.wire import encode


@pytest.fixture
def settings(tmp_path) -> Callable[..., Settings]:
    def make(*, broker: str, tiled: str, **sections) -> Settings:
        return Settings(
            kafka={**names_of_our_own(broker), "session_timeout_seconds": 6},
            tiled={"uri": tiled, "index_patience_seconds": 1},
            dead_letters={"path": tmp_path / "dead.jsonl"},
            http={"port": free_port()},
            **sections,
        )

    return make


def publish(settings: Settings, documents) -> None:
    KafkaPublisher(config={"bootstrap.servers": settings.kafka.bootstrap_servers}).publish(
        settings.kafka.topics[0], [("k", encode(*document)) for document in documents]
    )


def test_kafka_comes_later(settings, tmp_path):
    port = free_port()
    config = settings(broker=f"127.0.0.1:{port}", tiled=f"http://127.0.0.1:{free_port()}")
    rubbish = ("start", {"no": "uid"})

    def story() -> None:
        until(lambda: problems(config) is not None)
        assert "kafka" in problems(config)
        with embedded_broker(port):
            publish(config, [rubbish])
            until(lambda: problems(config) == {})
            until(config.dead_letters.path.exists)

    with meanwhile(story):
        assert run(config) is service.Exit.DONE


def test_tiled_comes_later_and_results_go_out_meanwhile(settings, broker, tiled_server, monkeypatch):
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)  # its own patience is 45 s a call
    away = settings(broker=broker, tiled=f"http://127.0.0.1:{free_port()}")
    reachable = {
        "uri": tiled_server.uri,
        "api_key": SecretStr(tiled_server.api_key),
        "results_path": f"results-{uuid4().hex}",
    }
    there = away.model_copy(update={"tiled": away.tiled.model_copy(update=reachable)})
    uids = [str(uuid4()) for _ in range(2)]
    documents = [document for uid in uids for document in BlueskyRun(uid).inline()]
    publish(away, documents)
    create_topics(broker, [away.kafka.results_topic])

    def it_is_away() -> None:
        until(lambda: "catalogue" in (problems(away) or {}))
        until(lambda: [uid for uid, heard in results.runs.items() if heard.index] == uids)

    with listen(broker, away.kafka.results_topic) as results, meanwhile(it_is_away):
        assert run(away) is service.Exit.DONE

    client = from_uri(tiled_server.uri, api_key=tiled_server.api_key)
    write = TiledWriter(client)
    for document in documents:
        write(*document)

    def it_is_there() -> None:
        until(lambda: all("camsortxs" in client[uid].metadata for uid in uids))
        until(lambda: problems(there) == {})

    with meanwhile(it_is_there):
        assert run(there) is service.Exit.DONE
    assert [client[uid].metadata["camsortxs"]["frames"] for uid in uids] == [3, 3]
    assert len(client[there.tiled.results_path]) == 2
    client.context.close()


def test_a_bundle_with_one_byte_changed(settings, tmp_path):
    try:
        shipped = default_bundle()
    except ModelError as error:
        pytest.skip(str(error))
    folder = Path(shutil.copytree(shipped, tmp_path / "bundle"))
    weights = next(folder.glob("*.onnx"))
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    config = settings(broker="127.0.0.1:1", tiled="http://127.0.0.1:1", model={"path": folder})
    assert service.run(lambda stop: wiring.build(config, stop)) is service.Exit.BAD_MODEL


def test_a_bundle_that_is_not_there(settings, tmp_path):
    config = settings(broker="127.0.0.1:1", tiled="http://127.0.0.1:1", model={"path": tmp_path})
    assert service.run(lambda stop: wiring.build(config, stop)) is service.Exit.BAD_MODEL


def test_no_stand_in_serves_once_a_model_is_shipped():
    try:
        shipped = default_bundle()
    except ModelError as error:
        pytest.skip(str(error))
    served = serving.load_model(Settings().model).model
    assert served.reference == f"{shipped.parent.name}@{shipped.name}"
