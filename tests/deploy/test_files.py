import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from camsortxs_agent.settings import Settings, schema_json

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "deploy").rglob("*")
    if path.suffix in {".json", ".toml", ".yml", ".yaml"}
)
PARSERS = {
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".yml": lambda text: list(yaml.safe_load_all(text)),
    ".yaml": lambda text: list(yaml.safe_load_all(text)),
}


@pytest.mark.parametrize("name", FILES)
def test_it_parses(root, name):
    assert PARSERS[Path(name).suffix]((root / name).read_text())


def test_the_example_settings_are_valid_and_show_every_section(deploy):
    example = deploy / "settings.example.toml"
    settings = Settings.load(example)
    assert settings.pixels.path_map == {"/nsls2/data1/": "/nsls2/data/"}
    assert set(tomllib.loads(example.read_text())) == set(Settings.model_fields)


def test_the_schema_is_fresh(deploy):
    assert (deploy / "settings.schema.json").read_text() == schema_json(), (
        "run: camsortxs-agent settings-schema > deploy/settings.schema.json"
    )


def test_no_secret_is_filled_in(deploy):
    for line in (deploy / ".env.example").read_text().splitlines():
        if re.match(r"\w*(PASSWORD|API_KEY)=", line):
            assert line.endswith("="), line
    secret = yaml.safe_load((deploy / "kubernetes" / "secret.example.yaml").read_text())
    assert set(secret["stringData"].values()) == {""}
    assert ".env" in (deploy / ".gitignore").read_text().split()


def test_every_environment_variable_of_ours_is_a_setting(deploy):
    text = "".join(path.read_text() for path in deploy.rglob("*") if path.is_file())
    named = set(re.findall(r"CAMSORTXS_([A-Z]\w*?)__([A-Z]\w*)", text))
    assert ("TILED", "API_KEY") in named
    for section, key in named:
        kind = Settings.model_fields[section.lower()].annotation
        assert key.lower() in kind.model_fields, f"{section}__{key}"


def test_the_port_is_the_same_everywhere(deploy):
    port = Settings.model_fields["http"].annotation.model_fields["port"].default
    scrape = yaml.safe_load((deploy / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    assert scrape[0]["static_configs"][0]["targets"] == [f"agent:{port}"]
    assert f"EXPOSE {port}" in (deploy / "Dockerfile").read_text()
    service = yaml.safe_load((deploy / "kubernetes" / "service.yaml").read_text())
    assert service["spec"]["ports"][0]["port"] == port


def test_the_image_is_built_from_what_is_there(root, deploy):
    dockerfile = (deploy / "Dockerfile").read_text()
    allowed = {line[1:] for line in (deploy / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {source for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE) for source in line.split()[:-1]}
    assert copied == allowed
    assert {"camsortxs", "agent", "requirements/agent.txt"} <= copied
    assert [name for name in copied - {"models"} if not (root / name).exists()] == []
    assert "--require-hashes" in dockerfile
    assert re.search(r"^USER (?!root|0)\S+", dockerfile, re.MULTILINE)
    assert re.search(r"^FROM \S+:\d\S+$", dockerfile, re.MULTILINE)


def test_the_config_map_is_valid_settings(deploy, tmp_path):
    (config_map,) = yaml.safe_load_all((deploy / "kubernetes" / "config-map.yaml").read_text())
    path = tmp_path / "agent.toml"
    path.write_text(config_map["data"]["agent.toml"])
    assert Settings.load(path).http.host == "0.0.0.0"


def test_the_deployment_probes_life_and_readiness_and_mounts_what_the_settings_name(deploy):
    deployment, claim = yaml.safe_load_all((deploy / "kubernetes" / "deployment.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    (agent,) = pod["containers"]
    assert agent["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert agent["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert agent["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert {mount["name"] for mount in agent["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert {m["mountPath"] for m in agent["volumeMounts"]} >= {"/etc/camsortxs", "/var/lib/camsortxs", "/data", "/tmp"}
    state = next(volume for volume in pod["volumes"] if volume["name"] == "state")
    assert state["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    wanted = deployment["spec"]["selector"]["matchLabels"]
    assert deployment["spec"]["template"]["metadata"]["labels"] == wanted
    service = yaml.safe_load((deploy / "kubernetes" / "service.yaml").read_text())
    assert service["spec"]["selector"] == wanted
