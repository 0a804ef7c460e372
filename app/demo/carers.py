"""What the agency knows of its carers in the demo: what they can do, where they set out, which language they speak."""

from typing import Any, Final

from app.demo.client import Phones
from app.demo.community import Village
from app.demo.people import LAKE

SPEAKS: Final = {"zh-CN": "speaks_mandarin"}
"""The skill a carer needs who is to talk with a resident of a language: not every carer has it."""
_KNOWN: Final[tuple[dict[str, Any], ...]] = (
    {"skills": ["personal_care", "wound_care"], "buffer": "PT5M"},
    {"skills": ["personal_care", "speaks_mandarin"], "buffer": "PT5M"},
    {"skills": ["personal_care", "medication", "speaks_mandarin"], "buffer": "PT5M", "most_work": "PT6H"},
    {"skills": ["personal_care", "medication"], "buffer": "PT5M", "most_work": "PT6H"},
)


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
        for language, skill in SPEAKS.items():
            if skill in profile["skills"]:
                await phones.ask(carer, "PATCH", "/v1/me/account", {"language": language})
