"""Whom alarms of the demo reach, one after the other; the visitors' resident has a faster plan of their own."""

from typing import Any, Final

from app.demo.client import Phones
from app.demo.community import Village

_CHANNELS: Final = ("push", "sms", "inbox")


def _step(target: str, wait: int, **more: Any) -> dict[str, Any]:
    return {"target_kind": target, "wait_seconds": wait, "channels": list(_CHANNELS), **more}


_FOR_EVERYONE: Final = (
    _step("circle_member", 60, target_order=1),
    _step("circle_member", 60, target_order=2),
    _step("circle", 90),
    _step("duty_desk", 60),
)
_FOR_THE_GUIDE: Final = (
    _step("circle_member", 20, target_order=1),
    _step("circle_member", 20, target_order=2),
    _step("circle", 20),
    _step("duty_desk", 60),
)


async def arrange_ladders(phones: Phones, village: Village) -> None:
    """Put both plans in force, unless they are; a test of the duty desk, answered by somebody there, goes before."""
    operator, guide = village.operator, village.guide
    for path, steps in (
        ("/v1/escalation-plans", _FOR_EVERYONE),
        (f"/v1/residents/{guide.id}/escalation-plans", _FOR_THE_GUIDE),
    ):
        plans = (await phones.ask(operator, "GET", path))["items"]
        if any(plan["state"] == "active" for plan in plans):
            continue
        test = await phones.ask(operator, "POST", "/v1/duty-desk-tests", {"channels": ["push", "sms"]})
        await phones.ask(village.staff["dispatcher"][0], "POST", f"/v1/duty-desk-tests/{test['id']}/answer")
        plan = await phones.ask(operator, "POST", path, {"steps": list(steps)})
        await phones.ask(operator, "POST", f"/v1/escalation-plans/{plan['id']}/activation")
