"""What alerts and the dashboard speak of is there, in a scrape of a daemon at work."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon import metrics
from tests.stories import asks, servers
from tests.stories.house import House

DEPLOY = servers.TOP / "deploy"
ALERTS = DEPLOY / "prometheus/alerts.yaml"
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
NAME = re.compile(r"\b((?:deliveryd|process)_[a-z_]+)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
BY_PROMETHEUS = {"job", "instance", "process"}
"""Labels that a scrape adds, and that of several processes."""


def expressions() -> list[str]:
    """All of both, with Grafana's variables replaced."""
    rules = re.findall(r"expr: (?:\|\n((?: {10}.*\n)+)|(.*))", ALERTS.read_text())
    found = [" ".join(one).strip() for one in rules]
    for dashboard in DASHBOARDS:
        found += [target["expr"] for panel in panels(dashboard) for target in panel["targets"]]
    return [one.replace("$__rate_interval", "5m").replace("$instance", ".*") for one in found]


def panels(dashboard: Path) -> Iterator[dict[str, Any]]:
    """Those that show something."""
    told = json.loads(dashboard.read_text())
    return (panel for panel in told["panels"] if panel["type"] != "row")


def promtool(*words: str | Path) -> str:
    """What Prometheus' own tool says, which must be content."""
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_alerts_speak_when_they_should() -> None:
    """Each alert fires in its test, none where all is well, and each says where to read on."""
    promtool("check", "rules", ALERTS)
    promtool("test", "rules", ALERTS.with_name("alerts_test.yaml"))
    alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text())
    tested = re.findall(r'alertname="(\w+)"', ALERTS.with_name("alerts_test.yaml").read_text())
    assert sorted(tested) == sorted(alerts)
    links = re.findall(r"runbook_url: (\S+)#(\S+)", ALERTS.read_text())
    assert len(links) == len(alerts)
    assert [link for link in links if link[1] not in anchors(link[0])] == []


def anchors(page: str) -> set[str]:
    """The headings of a page, as they are linked to."""
    heads = re.findall(r"^#+ (.*)$", (servers.TOP / page).read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_the_dashboard_can_be_read(dashboard: Path, tmp_path: Path) -> None:
    """Each panel says what it shows and asks a valid question of the chosen data source."""
    rules = tmp_path / "rules.yaml"
    asked = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(expressions())
    ]
    rules.write_text(json.dumps({"groups": [{"name": "panels", "rules": asked}]}))
    promtool("check", "rules", rules)
    for panel in panels(dashboard):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(target["expr"] for target in panel["targets"])
    places = [panel["gridPos"] for panel in panels(dashboard)]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert len({(place["x"], place["y"]) for place in places}) == len(places)


async def test_every_name_is_there(house: House) -> None:
    """Names and values in alerts and dashboards are those of a daemon that has done its work."""
    daemon = await house.start(words=("--processes", "2"))
    to = ["well@there.test", "greylist-1+a@there.test", "rcpt-550+b@there.test"]
    to.append("drop-after-dot-once+c@there.test")
    asked = await house.producer.ask(asks.send(to))
    await house.events.completed(asked.job)
    _, text = await daemon.answers("/metrics")
    families = list(text_string_to_metric_families(text))
    there = {name for family in families for name in _names(family.name, family.type)}
    values = {
        (sample.name, label, value)
        for family in families
        for sample in family.samples
        for label, value in sample.labels.items()
    }
    outcomes = {one[2] for one in values if one[:2] == ("deliveryd_attempts_total", "outcome")}
    assert outcomes == {"sent", "deferred", "bounced", "in_doubt"}
    doubts = [one for family in families for one in family.samples if "doubts_total" in one.name]
    assert sum(one.value for one in doubts) == house.events.number("delivery.in_doubt") == 1
    for expression in expressions():
        for name, matchers in NAME.findall(expression):
            assert name in there, f"{name} in {expression}"
            _hold(name, matchers, values)
    await house.judge()


def _names(family: str, kind: str) -> set[str]:
    if kind == "histogram":
        return {f"{family}_bucket", f"{family}_count", f"{family}_sum"}
    return {f"{family}_total"} if kind == "counter" else {family}


def _hold(name: str, matchers: str, values: set[tuple[str, str, str]]) -> None:
    """Labels exist; what is asked for by its value has been seen."""
    for label, _, wanted in MATCHER.findall(matchers):
        if label in BY_PROMETHEUS:
            continue
        known = metrics.REGISTRY._names_to_collectors[name]
        assert label in known._labelnames, f"{label} of {name}"
        missing = [one for one in wanted.split("|") if (name, label, one) not in values]
        assert missing == [], f"{name}{{{label}}}: {missing}"
