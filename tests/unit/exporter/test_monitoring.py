"""The page, the alerts and the dashboard, as Prometheus's own promtool sees them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tracer_exporter.metrics import Page, Shown
from tracer_exporter.state import State
from tracer_lab.prometheus import ensure_prometheus

HERE = Path(__file__).resolve().parent
MONITORING = HERE.parents[2] / "monitoring"
COUNTS = tuple(range(9))
# What Grafana puts in the place of its variables.
VARIABLES = {
    "$__rate_interval": "1m",
    "$__range": "1h",
    "$instance": ".*",
    "$group": ".*",
}


@pytest.fixture(scope="session")
def promtool() -> Path:
    return ensure_prometheus() / "promtool"


def ran(promtool: Path, *arguments: str, **settings: Any) -> None:  # noqa: ANN401 -- of subprocess
    """Have promtool check something; it has to be in order, without a word of warning."""
    command = [str(promtool), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, text=True, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


def page() -> str:
    state = State(
        "", {"web": COUNTS}, {"web": 1}, 1, 2, 3, ("1.0.0", "ftrace"), [(1, "web", COUNTS)]
    )
    registry = CollectorRegistry()
    registry.register(Page(lambda: state, str, Shown(1)))
    return generate_latest(registry).decode()


def dashboard() -> dict[str, Any]:
    found = json.loads((MONITORING / "dashboard.json").read_text())
    assert isinstance(found, dict)
    return found


def expressions() -> Iterator[str]:
    """Every expression of the dashboard, with values for its variables."""
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            yield text


def test_the_page_is_in_order(promtool: Path) -> None:
    ran(promtool, "check", "metrics", input=page())


def test_the_alerts_are_in_order(promtool: Path) -> None:
    ran(promtool, "check", "rules", "--lint=all", "--lint-fatal", str(MONITORING / "alerts.yml"))


def test_the_alerts_fire_when_they_should(promtool: Path, tmp_path: Path) -> None:
    for file in (MONITORING / "alerts.yml", HERE / "alerts_test.yml"):
        shutil.copy(file, tmp_path)
    ran(promtool, "test", "rules", "alerts_test.yml", cwd=tmp_path)


def test_every_alert_is_tested() -> None:
    named = re.findall(r"- alert: (\w+)", (MONITORING / "alerts.yml").read_text())
    tested = re.findall(r"alertname: (\w+)", (HERE / "alerts_test.yml").read_text())
    assert set(named) == set(tested)


def test_every_expression_of_the_dashboard_is_one(promtool: Path, tmp_path: Path) -> None:
    rules = [{"record": f"r{number}", "expr": text} for number, text in enumerate(expressions())]
    assert not [rule for rule in rules if "$" in rule["expr"]]
    file = tmp_path / "rules.yml"  # JSON is YAML
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    ran(promtool, "check", "rules", str(file))


def test_alerts_and_dashboard_ask_for_metrics_that_there_are() -> None:
    names = set(re.findall(r"^(tracer_\w+)", page(), re.MULTILINE))
    texts = [(MONITORING / "alerts.yml").read_text(), *expressions()]
    asked = {name for text in texts for name in re.findall(r"\btracer_\w+", text)}
    assert asked - names == set()
    of_groups = {name for name in names if not name.startswith("tracer_process_")}
    assert of_groups - asked <= {"tracer_series_dropped_total"}


def test_no_panel_lies_on_another_and_each_says_what_it_shows() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        assert panel["description"].endswith(".")
        taken |= cells
