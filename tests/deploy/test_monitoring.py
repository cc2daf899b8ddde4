import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from camsortxs_agent.metrics import Metrics


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """Every metric: what its samples are called."""
    names = {}
    for metric in Metrics().registry.collect():
        suffixes = {
            "counter": ["_total"],
            "histogram": ["_bucket", "_sum", "_count"],
            "info": ["_info"],
            "gauge": [""],
        }[metric.type]
        names[metric.name] = {metric.name + suffix for suffix in suffixes}
    return names


def used(text: str) -> set[str]:
    """The metrics that an expression in PromQL names."""
    return set(re.findall(r"\bcamsortxs_\w+", text))


@pytest.fixture
def dashboard(deploy: Path) -> dict:
    return json.loads((deploy / "grafana" / "dashboards" / "camsortxs.json").read_text())


def rules(deploy: Path) -> list[dict]:
    (group,) = yaml.safe_load((deploy / "prometheus" / "rules.yml").read_text())["groups"]
    return group["rules"]


def expressions(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (node[key] for key in ("expr", "query") if isinstance(node.get(key), str))
        for value in node.values():
            yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


def test_rules_name_metrics_that_there_are(deploy, exposed):
    named = set().union(*(used(rule["expr"]) for rule in rules(deploy)))
    assert len(named) >= 7
    assert named <= set().union(*exposed.values())


def test_the_dashboard_shows_every_metric_and_no_other(dashboard, exposed):
    named = set().union(*(used(text) for text in expressions(dashboard)))
    assert named <= set().union(*exposed.values())
    assert [name for name, samples in exposed.items() if not samples & named] == ["camsortxs_build"]


def test_labels_in_expressions_are_labels_of_the_metric(dashboard, deploy):
    labels = {
        "camsortxs_frames_classified_total": "decided",
        "camsortxs_frames_challenged_total": "agrees",
        "camsortxs_documents_received_total": "name",
    }
    text = "\n".join([*expressions(dashboard), *(rule["expr"] for rule in rules(deploy))])
    for name, inside in re.findall(r"(camsortxs_\w+)\{(.*?)\}", text):
        assert set(re.findall(r"(\w+)\s*[=!]~?", inside)) <= {"instance", labels.get(name, "")}, name


def test_every_metric_is_in_the_readme_and_no_other(root, exposed):
    rows = re.findall(r"^\| `(camsortxs_\w+)` \|", (root / "agent" / "README.md").read_text(), re.MULTILINE)
    expected = {
        name if any(s.endswith("_bucket") for s in samples) else min(samples) for name, samples in exposed.items()
    }
    assert sorted(rows) == sorted(expected)


def test_every_alert_is_explained(root, deploy):
    explained = re.findall(r"^\| `(Camsortxs\w+)` \|", (root / "docs/how-to/monitor.md").read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(rule["alert"] for rule in rules(deploy))


def test_every_alert_has_a_test(deploy):
    files = [yaml.safe_load(path.read_text()) for path in (deploy / "prometheus").glob("*_test.yml")]
    tests = [test for file in files for test in file["tests"]]
    raised = {check["alertname"] for test in tests for check in test["alert_rule_test"] if check.get("exp_alerts")}
    assert raised == {rule["alert"] for rule in rules(deploy)}


def test_every_reason_of_a_refusal_is_explained(root):
    library = root / "camsortxs"
    sources = [
        *(root / "agent" / "camsortxs_agent").glob("*.py"),
        *(root / "agent" / "camsortxs_agent" / "kafka").glob("*.py"),
        *(root / "agent" / "camsortxs_agent" / "workers").glob("*.py"),
        library / "frames.py",
        *(library / "adapters" / f"{name}.py" for name in ("pixels", "detector_files", "reference", "retry")),
    ]
    text = "\n".join(path.read_text() for path in sources)
    reasons = set(re.findall(r'(?:(?:FrameError|SinkRejected)\(\s*|reason=)"(\w+)"', text))
    assert "missing_file" in reasons
    manual = (root / "docs" / "how-to" / "monitor.md").read_text()
    assert sorted(reason for reason in reasons if f"`{reason}`" not in manual) == []


def test_panels_do_not_overlap_and_use_the_provisioned_source(dashboard, deploy):
    (source,) = yaml.safe_load((deploy / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        assert panel["datasource"]["uid"] == source["uid"]
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


@pytest.mark.parametrize(
    "arguments",
    ["check rules rules.yml", "check config prometheus.yml", "test rules rules_test.yml rules_weeks_test.yml"],
)
def test_promtool_agrees(deploy, arguments):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine: apt-get install prometheus")
    done = subprocess.run([promtool, *arguments.split()], cwd=deploy / "prometheus", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
