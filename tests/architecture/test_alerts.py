"""The alert rules speak of what is measured: metrics, queues, lanes, channels and outcomes that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import httpx
import pytest

from app import assembly
from app.core.queues import queues
from notifications.channels.registry import PROVIDERS
from notifications.delivery.rules import LANES
from notifications.receipts.rules import Kind, Timing

RULES: Final = (Path(__file__).parents[2] / "docs" / "operations" / "alerts.yml").read_text(encoding="utf-8")
RULE: Final = re.compile(
    r"      - alert: (?P<name>[A-Z]\w+)\n"
    r"        expr: (?P<expr>.+(?:\n {10}.+)*)\n"
    r"(?:        for: \d+[sm]\n)?"
    r"        labels: \{severity: (?P<severity>page|ticket)\}\n"
    r"        annotations:\n"
    r"          summary: \S.+\n"
)
SELECTOR: Final = re.compile(r'(\w+)=~?"([^"]+)"')
METRIC: Final = re.compile(r"\bhearthline_\w+")
SECTIONS: Final = {"hearthline.pages", "hearthline.tickets"}


def allowed() -> dict[str, set[str]]:
    """Return the values each label may be compared with."""
    assembly.load_tables()
    return {
        "due": {queue.name for queue in queues()},
        "lane": {*LANES, "critical", "other"},
        "channel": {"push", *PROVIDERS},
        "kind": set(get_args(Kind)),
        "timing": set(get_args(Timing)),
        "exported_job": {job.name for job in assembly.JOBS},  # Prometheus calls its own label of scraped things `job`
        "outcome": {"sent", "retry", "wait", "failed", "parked", "expired", "suppressed", "held"},
    }


def unknown(expression: str, metrics: set[str]) -> Iterator[str]:
    """Yield what an expression names that does not exist."""
    yield from (name for name in METRIC.findall(expression) if name not in metrics)
    known = allowed()
    for label, values in SELECTOR.findall(expression):
        yield from (f"{label}={value}" for value in values.split("|") if value not in known.get(label, ()))


async def shown(client: httpx.AsyncClient) -> set[str]:
    """Return the names of the metrics that are shown; this process has loaded what API and workers load."""
    text = (await client.get("/metrics")).text
    return set(re.findall(r"^# TYPE (\w+) (?:counter|gauge|histogram)$", text, re.MULTILINE))


def test_every_line_of_the_file_is_understood() -> None:
    rest = RULE.sub("", "\n".join(line for line in RULES.splitlines() if not line.startswith("#")) + "\n")
    left = [line.strip() for line in rest.splitlines() if line.strip()]
    named = [line.removeprefix("- name: ") for line in left if line.startswith("- name: ")]
    assert set(named) == SECTIONS
    assert left == ["groups:", *(part for name in named for part in (f"- name: {name}", "rules:"))]
    names = [rule["name"] for rule in RULE.finditer(RULES)]
    assert len(set(names)) == len(names) >= 10


async def test_every_rule_speaks_of_what_is_measured(client: httpx.AsyncClient) -> None:
    metrics = await shown(client)
    assert {rule["name"]: found for rule in RULE.finditer(RULES) if (found := [*unknown(rule["expr"], metrics)])} == {}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("max(hearthline_due_lag) > 1", ["hearthline_due_lag"]),
        ('hearthline_due_lag_seconds{due="notifications.urgent"} > 1', ["due=notifications.urgent"]),
        ('hearthline_due_lag_seconds{queue="notifications.critical"}', ["queue=notifications.critical"]),
        ('hearthline_receipts_total{kind=~"delivered|seen"}', ["kind=seen"]),
    ],
)
async def test_a_rule_about_something_else_is_noticed(
    client: httpx.AsyncClient, expression: str, found: list[str]
) -> None:
    assert [*unknown(expression, await shown(client))] == found
