"""What the agency knows of its carers in the demo: what they can do, where they set out, which language they speak."""

from collections.abc import Sequence
from typing import Any, Final

from app.core.access import Actor
from app.demo.client import Phones
from app.demo.community import Village
from app.demo.people import LAKE

EVERYDAY: Final = "personal_care"
"""The skill every visit of the demo needs."""
_SPEAKS: Final = {"zh-CN": "speaks_mandarin"}
"""By language, the skill of the carers who are sent first to residents who speak it."""
_KNOWN: Final[tuple[dict[str, Any], ...]] = (
    {"skills": [EVERYDAY, "wound_care"]},
    {"skills": [EVERYDAY, "speaks_mandarin"]},
    {"skills": [EVERYDAY, "medication", "speaks_mandarin"], "most_work": "PT6H"},
    {"skills": [EVERYDAY, "medication"], "most_work": "PT6H"},
)


def speaking(language: str, carers: Sequence[Actor]) -> list[Actor]:
    """Return those of the agency's carers who speak a language that not all of them do; nobody for one they all do."""
    skill = _SPEAKS.get(language)
    return [carer for carer, known in zip(carers, _KNOWN, strict=True) if skill in known["skills"]]


async def arrange_carers(phones: Phones, village: Village) -> None:
    """Write down what the planner must know of each carer, and let who speaks Mandarin be written to in it."""
    coordinator = village.staff["coordinator"][0]
    path = f"/v1/organizations/{coordinator.memberships[0].organization_id}/carers"
    known = {row["account_id"] for row in (await phones.ask(coordinator, "GET", path))["items"]}
    for carer, profile in zip(village.staff["carer"], _KNOWN, strict=True):
        if str(carer.id) in known:
            continue
        office = {"latitude": LAKE[0], "longitude": LAKE[1]}
        await phones.ask(coordinator, "PUT", f"{path}/{carer.id}", {**profile, **office})
        for language, skill in _SPEAKS.items():
            if skill in profile["skills"]:
                await phones.ask(carer, "PATCH", "/v1/me/account", {"language": language})
