import json

import pytest
from typer.testing import CliRunner

from camsortxs_agent.__main__ import app
from camsortxs_agent.demo.processes import free_port


@pytest.fixture
def invoke():
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def _one_try(monkeypatch):
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)  # its own patience is 45 s a call


@pytest.fixture
def config(tmp_path):
    def write(*, broker, tiled, api_key="", roots=()):
        path = tmp_path / "agent.toml"
        path.write_text(
            f'[kafka]\nbootstrap_servers = "{broker}"\n'
            f'[tiled]\nuri = "{tiled}"\napi_key = "{api_key}"\n'
            f"[pixels]\nroots = {json.dumps([str(root) for root in roots])}\n"
        )
        return path

    return write


def test_the_schema_goes_to_standard_output(invoke):
    result = invoke("settings-schema")
    assert result.exit_code == 0
    assert {"kafka", "tiled", "pixels"} <= json.loads(result.stdout)["properties"].keys()


@pytest.mark.parametrize("command", ["run", "check", "replay --from-dead-letters"])
def test_settings_that_are_wrong_name_the_field_and_end_with_2(invoke, command, tmp_path):
    (tmp_path / "agent.toml").write_text("[kafka]\nbootstrap_server = 3\n")
    result = invoke(*command.split(), "--config", tmp_path / "agent.toml")
    assert result.exit_code == 2
    assert "kafka.bootstrap_server" in result.stderr
    assert invoke(*command.split(), "--config", tmp_path / "none.toml").exit_code == 2


@pytest.mark.parametrize("command", ["run", "check", "replay", "settings-schema"])
def test_help_shows_how_to_call_it(invoke, command):
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert f"camsortxs-agent {command}" in result.stdout


def test_check_ticks_what_is_there(invoke, config, broker, tiled_server, tmp_path):
    path = config(broker=broker, tiled=tiled_server.uri, api_key=tiled_server.api_key, roots=[tmp_path])
    result = invoke("check", "--config", path)
    assert result.stdout.count("✓") >= 3, result.stdout
    assert tiled_server.api_key not in result.output


def test_check_crosses_what_is_not(invoke, config, tmp_path):
    away = f"127.0.0.1:{free_port()}"
    result = invoke("check", "--config", config(broker=away, tiled=f"http://{away}", roots=[tmp_path / "no"]))
    assert result.exit_code == 1
    assert result.stdout.count("✗") >= 3, result.stdout


def test_check_crosses_what_whoever_publishes_does_not_take(invoke, config, tmp_path):
    path = config(broker="127.0.0.1:9", tiled="http://127.0.0.1:9")
    path.write_text(path.read_text() + f'\n[kafka.extra]\nacks = "1"\n[dead_letters]\npath = "{tmp_path}"\n')
    result = invoke("check", "--config", path)
    said = " ".join(result.stdout.replace("│", " ").split())
    assert result.exit_code == 1
    assert "`acks` must be set to `all`" in said
    assert "cannot be written" in said


def test_check_crosses_settings_that_librdkafka_does_not_take(invoke, config, tmp_path):
    path = config(broker="127.0.0.1:9", tiled="http://127.0.0.1:9")
    path.write_text(
        path.read_text().replace("[kafka]", '[kafka]\nsecurity_protocol = "sasl_ssl"\nsasl_mechanism = "PLAIN"')
    )
    result = invoke("check", "--config", path)
    assert result.exit_code == 1
    assert "sasl.password must be set" in " ".join(result.stdout.replace("│", " ").split())
