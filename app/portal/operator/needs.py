"""What needs the operator now, of what the API says: pure, the gravest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

LATE: Final = 60.0
"""Seconds behind which a lane or a queue is late: the doctor's measure, too."""
COUNTED: Final = 20
Grade = Literal["needs", "waiting"]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing to look at: ``key`` names its words (``need_now_<key>``, with ``about``), ``address`` leads there."""

    grade: Grade
    key: str
    address: str
    about: Mapping[str, str]


def needs(
    parked: Mapping[str, Sequence[Mapping[str, Any]]],
    installation: Mapping[str, Any],
    deliveries: Mapping[str, Any],
    plans: Sequence[Mapping[str, Any]],
) -> list[Need]:
    """Return what needs the operator now; nothing where all is well."""
    found = [*_stuck(parked), *_late(installation, deliveries), *_unconnected(installation), *_plans(plans)]
    return sorted(found, key=lambda need: need.grade != "needs")


def _stuck(parked: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Need]:
    page = "/portal/operator/parked"
    found = []
    retried = [item for item in parked["deadline"] if item["parked_at"] is None]
    if retried:
        found.append(Need("needs", "stuck", page, {"count": _counted(retried)}))
    for kind in ("event", "deadline", "delivery"):
        given_up = [item for item in parked[kind] if item["parked_at"] is not None]
        if given_up:
            found.append(Need("needs" if kind != "delivery" else "waiting", kind, page, {"count": _counted(given_up)}))
    return found


def _counted(items: Sequence[Any]) -> str:
    return f"{len(items)}+" if len(items) >= COUNTED else str(len(items))


def _late(installation: Mapping[str, Any], deliveries: Mapping[str, Any]) -> list[Need]:
    settings = "/portal/operator/settings"
    vital = [queue for queue in installation["queues"] if queue["is_vital"] and queue["lag_seconds"] > LATE]
    found = [Need("needs", "queue", settings, {"name": queue["name"]}) for queue in vital[:3]]
    late = [lane for lane in deliveries["lanes"] if lane["lag_seconds"] > LATE]
    found += [Need("needs", f"lane_{lane['lane']}", "/portal/operator/deliveries", {}) for lane in late]
    if installation["schema_expected"] not in (None, installation["schema_found"]):
        found.append(Need("needs", "schema", settings, {}))
    return found


def _unconnected(installation: Mapping[str, Any]) -> list[Need]:
    """Return the ways on which notices reach nobody: where people live, that is an alarm nobody hears."""
    ways = ("push", "sms", "voice", "mail")
    grade: Grade = "needs" if installation["environment"] == "production" else "waiting"
    return [
        Need(grade, f"provider_{one['what']}", "/portal/operator/settings", {})
        for one in installation["providers"]
        if one["what"] in ways and not one["reaches_people"]
    ]


def _plans(plans: Sequence[Mapping[str, Any]]) -> list[Need]:
    page = "/portal/operator/plans"
    if not any(plan["state"] == "active" for plan in plans):
        return [Need("waiting", "no_plan", page, {})]
    newest = plans[0]
    return [Need("waiting", "draft", page, {})] if newest["state"] == "draft" else []
