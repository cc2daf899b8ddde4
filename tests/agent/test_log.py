import json
import logging

import pytest
import structlog
from pydantic import SecretStr

from camsortxs_agent import log

pytestmark = pytest.mark.usefixtures("restored_logging")


def events(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    out, err = capsys.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def test_an_event_is_one_json_line_with_its_fields(capsys):
    log.configure()
    structlog.get_logger("agent").warning("rejected", reason="not_2d", offset=7)
    (event,) = events(capsys)
    assert event["event"] == "rejected"
    assert (event["level"], event["logger"], event["reason"], event["offset"]) == ("warning", "agent", "not_2d", 7)
    assert event["timestamp"].endswith("Z")


def test_the_standard_library_speaks_the_same(capsys):
    log.configure()
    logging.getLogger("tiled").warning("slow %s", "catalogue")
    (event,) = events(capsys)
    assert (event["event"], event["logger"], event["level"]) == ("slow catalogue", "tiled", "warning")


def crash() -> None:
    key = "hunter" + "2"
    structlog.get_logger().info("local", length=len(key))
    raise ValueError("no luck")


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_traceback_shows_no_local_variable(capsys, format):
    log.configure(format=format)
    try:
        crash()
    except ValueError:
        structlog.get_logger().exception("crashed")
        logging.getLogger("tiled").exception("crashed")
    printed = capsys.readouterr().err
    assert "no luck" in printed
    assert "hunter2" not in printed


def test_a_traceback_stays_on_its_line(capsys):
    log.configure()
    try:
        crash()
    except ValueError:
        structlog.get_logger().exception("crashed")
    _, event = events(capsys)
    assert event["exception"][0]["exc_type"] == "ValueError"


def test_a_secret_and_an_odd_value_do_not_break_the_line(capsys):
    log.configure()
    structlog.get_logger().info("started", key=SecretStr("hunter2"), odd=object())
    (event,) = events(capsys)
    assert event["key"] == "**********"


def test_the_level_holds_and_http_requests_are_not_events(capsys):
    log.configure(level="info")
    structlog.get_logger().debug("unseen")
    logging.getLogger("httpx").info("HTTP Request: GET ...")
    assert events(capsys) == []


def test_the_console_is_for_people(capsys):
    log.configure(format="console")
    structlog.get_logger().info("started", topics=2)
    assert "started" in (line := capsys.readouterr().err)
    assert "topics=2" in line
