"""An agent that runs in this process, and what a supervisor does to it meanwhile."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx

from camsortxs.testing import tiny_model
from camsortxs_agent import service, wiring
from camsortxs_agent.kafka import KafkaSource
from camsortxs_agent.serving import Loaded
from camsortxs_agent.settings import Settings


def names_of_our_own(broker: str) -> dict[str, Any]:
    """Return settings of Kafka with topics and a group that nobody else uses."""
    name = uuid4().hex
    return {
        "bootstrap_servers": broker,
        "topics": [f"{name}-documents"],
        "results_topic": f"{name}-results",
        "dead_letter_topic": f"{name}-dead",
        "group_id": name,
    }


def run(settings: Settings) -> service.Exit:
    """Run an agent in this process, with the tiny model."""
    return service.run(lambda stop: wiring.build(settings, stop, load=lambda model: Loaded(model=tiny_model())))


@contextmanager
def meanwhile(action: Callable[[], None]) -> Iterator[None]:
    """Do something while the agent runs, then tell it to stop; errors in it come out at the end."""
    errors: list[BaseException] = []

    def work() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            errors.append(error)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()
    if errors:
        raise errors[0]


@contextmanager
def stopped(*sources: KafkaSource) -> Iterator[None]:
    """Stop sources in the end, come what may: a failed assertion would wait for ever for who takes from them."""
    try:
        yield
    finally:
        for source in sources:
            source.stop()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def problems(settings: Settings) -> dict[str, str] | None:
    """What /readyz says, None before it answers."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{settings.http.port}/readyz", trust_env=False)
    except httpx.TransportError:
        return None
    assert (answer.status_code == 200) is (answer.json()["problems"] == {})
    return answer.json()["problems"]
