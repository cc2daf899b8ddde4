import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

SERVICE = {
    "type": "object",
    "required": ["image", "healthcheck", "restart"],
    "properties": {
        "image": {"type": "string", "pattern": r"^[\w./-]+:(v?\d[\w.-]*|local)$"},
        "healthcheck": {
            "type": "object",
            "required": ["test", "interval", "timeout", "retries"],
            "properties": {"test": {"type": "array", "minItems": 2, "contains": {"const": "CMD"}}},
        },
        "environment": {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
        "ports": {"type": "array", "items": {"type": "string", "pattern": r"^127\.0\.0\.1:\d+:\d+$"}},
        "depends_on": {
            "type": "object",
            "additionalProperties": {"properties": {"condition": {"const": "service_healthy"}}},
        },
    },
}
COMPOSE = {
    "type": "object",
    "required": ["name", "services", "volumes"],
    "properties": {
        "services": {
            "type": "object",
            "required": ["kafka", "postgres", "tiled", "agent", "prometheus", "grafana"],
            "additionalProperties": SERVICE,
        }
    },
}


@pytest.fixture
def compose(deploy: Path) -> dict:
    return yaml.safe_load((deploy / "compose.yaml").read_text())


def test_services_are_pinned_healthy_and_on_loopback(compose):
    jsonschema.validate(compose, COMPOSE)


def test_what_is_mounted_exists_and_what_is_named_is_declared(compose, deploy):
    for service in compose["services"].values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("./"):
                assert (deploy / source).exists(), mount
            elif not source.startswith("$"):
                assert source in compose["volumes"], mount
        assert set(service.get("depends_on", {})) <= set(compose["services"])


def test_passwords_come_from_the_environment_and_the_example_names_them_all(compose, deploy):
    text = (deploy / "compose.yaml").read_text() + (deploy / "tiled" / "config.yml").read_text()
    example = set(re.findall(r"^(\w+)=", (deploy / ".env.example").read_text(), re.MULTILINE))
    assert set(re.findall(r"\$\{(\w+)", text)) == example
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|API_KEY", name):
                assert re.fullmatch(r"\$\{\w+:\?.+\}", value), name


def test_the_parts_know_each_other(compose, deploy):
    agent = compose["services"]["agent"]["environment"]
    kafka = compose["services"]["kafka"]["environment"]
    assert f"INSIDE://{agent['CAMSORTXS_KAFKA__BOOTSTRAP_SERVERS']}" in kafka["KAFKA_ADVERTISED_LISTENERS"]
    (source,) = yaml.safe_load((deploy / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (tree,) = yaml.safe_load((deploy / "tiled/config.yml").read_text())["trees"]
    databases = set(re.findall(r"DATABASE (\w+)", (deploy / "tiled/create-databases.sql").read_text()))
    addresses = [tree["args"]["uri"], *tree["args"]["writable_storage"]]
    assert {a.rsplit("/", 1)[1] for a in addresses if a.startswith("postgresql")} == databases


def test_tiled_itself_accepts_its_configuration(deploy, monkeypatch):
    from tiled.config import parse_configs

    monkeypatch.setenv("POSTGRES_PASSWORD", "a-password")
    (tree,) = parse_configs(deploy / "tiled" / "config.yml").trees
    assert tree.args["uri"] == "postgresql://tiled:a-password@postgres:5432/catalog"


def test_docker_compose_itself_accepts_it(deploy, tmp_path):
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        pytest.skip("no docker compose plugin on this machine")
    filled = re.sub(r"(PASSWORD|KEY)=$", r"\1=x", (deploy / ".env.example").read_text(), flags=re.MULTILINE)
    env = tmp_path / "env"
    env.write_text(filled)
    command = [docker, "compose", "--env-file", str(env), "-f", str(deploy / "compose.yaml"), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
