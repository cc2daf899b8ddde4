import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from camsortxs_agent.settings import Settings, SettingsInvalid, schema_json


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "agent.toml"
        path.write_text(text)
        return path

    return write


def test_defaults_are_whole():
    settings = Settings.load()
    assert settings.http.host == "127.0.0.1"
    assert settings.tiled.api_key is None
    assert settings.model.path is None


def test_the_file_is_read(write):
    settings = Settings.load(write('[kafka]\ntopics = ["a", "b"]\n[pixels]\nroots = ["/data"]\n'))
    assert settings.kafka.topics == ("a", "b")
    assert settings.pixels.roots == (Path("/data"),)


@pytest.mark.parametrize("name", ["pixels.late_file_seconds", "model.watch_seconds", "reconcile.every_minutes"])
def test_no_time_is_infinite(write, name):
    section, field = name.split(".")
    with pytest.raises(SettingsInvalid, match=name):
        Settings.load(write(f"[{section}]\n{field} = inf\n"))


def test_a_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "agent.toml").write_bytes("# caf\xe9\n".encode("latin-1"))
    with pytest.raises(SettingsInvalid, match="UTF-8"):
        Settings.load(tmp_path / "agent.toml")


def test_the_environment_goes_before_the_file(write, monkeypatch):
    monkeypatch.setenv("CAMSORTXS_KAFKA__GROUP_ID", "from-environment")
    monkeypatch.setenv("CAMSORTXS_KAFKA__TOPICS", '["c"]')
    settings = Settings.load(write('[kafka]\ngroup_id = "from-file"\nresults_topic = "r"\n'))
    assert settings.kafka.group_id == "from-environment"
    assert settings.kafka.topics == ("c",)
    assert settings.kafka.results_topic == "r"


def test_settings_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        Settings.load().http.port = 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[kafka]\ngroup = 'x'", "kafka.group: Extra inputs"),
        ("[kafak]\n", "kafak: Extra inputs"),
        ("[kafka]\ntopics = []", "kafka.topics"),
        ("[kafka]\nsession_timeout_seconds = 0", "greater than 0"),
        ("[kafka]\nsecurity_protocol = 'sasl_ssl'", "needs sasl_mechanism"),
        ("[kafka]\ntopics = ['t']\nresults_topic = 't'", "we would read ourselves"),
        ("[kafka.extra]\n'ssl.key.password' = 'hunter2'", "use sasl_password or ssl_key_password"),
        ("[kafka.extra]\n'ssl.key.pem' = 'hunter2'", "use sasl_password or ssl_key_password"),
        ("[kafka.extra]\n'sasl.oauthbearer.assertion.private.key.passphrase' = 'hunter2'", "is a secret"),
        ("[kafka]\nsasl_password = 'hunter2'\nsasl_pasword = 'hunter2'", "kafka.sasl_pasword: Extra inputs"),
        ("[kafka]\nsasl_password = ['hunter2']", "kafka.sasl_password"),
        ("[tiled]\nuri = 'http://x?api_key=hunter2'", "put the key into tiled.api_key"),
        ("[tiled]\nuri = 'http://me:hunter2@x'", "put the key into tiled.api_key"),
        ("[tiled]\napi_key = 'hunter2\\n'", "letters and digits"),
        ("[model]\nthreshold = 1.5", "less than or equal to 1"),
        ("[http]\nport = 70000", "less than or equal to 65535"),
        ("[log]\nlevel = 'loud'", "log.level"),
        ("[kafka", "is not TOML"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_shown(write, text, says):
    with pytest.raises(SettingsInvalid) as caught:
        Settings.load(write(text))
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_wrong_variable_is_named(monkeypatch):
    monkeypatch.setenv("CAMSORTXS_TILED__APIKEY", "hunter2")
    with pytest.raises(SettingsInvalid, match=r"tiled\.apikey: Extra inputs") as caught:
        Settings.load()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["CAMSORTXS_KAFKA", "CAMSORTXS_KAFKA__TOPICS"])
def test_a_variable_that_is_not_json_is_named(monkeypatch, name):
    monkeypatch.setenv(name, '{"sasl_password": "hunter2')
    with pytest.raises(SettingsInvalid, match="kafka") as caught:
        Settings.load()
    assert "hunter2" not in str(caught.value)


def test_a_wrong_value_beside_a_secret_does_not_show_it():
    with pytest.raises(ValidationError, match="needs sasl_mechanism") as caught:
        Settings(kafka={"security_protocol": "sasl_ssl", "sasl_password": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(SettingsInvalid, match="No such file"):
        Settings.load(tmp_path / "nowhere.toml")


def test_secrets_do_not_print(write, monkeypatch):
    monkeypatch.setenv("CAMSORTXS_TILED__API_KEY", "hunter2")
    settings = Settings.load(write("[kafka]\nsasl_password = 'hunter2'"))
    assert settings.tiled.api_key.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings) + settings.model_dump_json()


def test_the_schema_knows_every_section():
    assert set(json.loads(schema_json())["properties"]) == set(Settings.model_fields)
