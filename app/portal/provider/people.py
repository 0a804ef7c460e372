"""A company's people on a day: who is there, who is off, and whose certificates run out."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor
from app.portal.provider.company import ROOT, Day, Json, company_of, page

router = pages_router(f"{ROOT}/{{organization_id}}/people")

MOST: Final = 500
SOON: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Skill:
    """What somebody can do, and what there is to say of it."""

    item: Json
    state: str
    """``fine``, ``soon`` (it runs out within a month), ``expired`` or ``unseen`` (nobody saw it proved)."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """One of a company's people on a day."""

    worker: Json
    day: Json | None
    skills: list[Skill]

    @property
    def stands(self) -> str:
        """How they stand that day: ``suspended``, ``aside``, ``off`` or ``there``."""
        if self.worker["suspension"]:
            return "suspended"
        if not self.worker["is_active"]:
            return "aside"
        return "there" if self.day is not None and self.day["hours"] else "off"

    @property
    def needs_a_look(self) -> bool:
        """Say whether a skill of theirs runs out soon, or has."""
        return any(one.state in ("soon", "expired") for one in self.skills)


def skills_of(items: list[Any], today: date) -> list[Skill]:
    """Return skills with what there is to say of each, those that run out first."""
    found = [Skill(one, skill_state(one, today)) for one in items]
    return sorted(found, key=lambda one: (one.item["expires_on"] or "9999", one.item["code"]))


def skill_state(skill: Json, today: date) -> str:
    """Return what there is to say of a skill."""
    if skill["is_expired"]:
        return "expired"
    if skill["expires_on"] and date.fromisoformat(skill["expires_on"]) <= today + SOON:
        return "soon"
    return "fine" if skill["is_verified"] else "unseen"


_ORDER: Final = ("off", "suspended", "there", "aside")


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_people(visit: Visitor, organization_id: uuid.UUID, day: Day = "") -> Response:
    """Show who is there on a day and who is off."""
    company = await company_of(visit, organization_id, day)
    workers = await visit.api.pages(f"/v1/organizations/{organization_id}/workers", MOST)
    days = {one["worker_id"]: one for one in company.days["items"]}
    today = company.their.today()
    people = [Somebody(one, days.get(one["id"]), skills_of(one["skills"], today)) for one in workers]
    return page(
        visit,
        "people.html",
        company,
        "people",
        groups=[(stands, [one for one in people if one.stands == stands]) for stands in _ORDER],
        to_look_at=[one for one in people if one.needs_a_look],
        nobody=not people,
        before=company.day - timedelta(days=1),
        after=company.day + timedelta(days=1),
        is_today=company.day == today,
    )
