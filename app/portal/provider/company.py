"""A company as its pages need it: its day, what its services are called, what was refused, and the tabs."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import Query
from starlette.responses import Response

from app.portal.ground.asking import Refused
from app.portal.ground.changing import Trouble, trouble_of
from app.portal.ground.moments import day_named, duration, length, money
from app.portal.ground.pages import show, words_of
from app.portal.ground.their import Their
from app.portal.ground.visits import Visit
from app.portal.provider.texts import WORDS

ROOT: Final = "/portal/provider"
KINDS: Final = ("provider", "care_agency")
_MOST: Final = 500
_SAID_HERE: Final[Mapping[int, int]] = {412: 412, 413: 422, 415: 422, 422: 422}
"""Status → whose words say it: what was changed meanwhile, and what was filled in, or chosen, wrongly."""
Day = Annotated[str, Query(max_length=20)]
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Company:
    """A company on a day: its people then, what its services are called, and its own clock."""

    id: uuid.UUID
    name: str
    days: Json
    services: Mapping[str, str]
    their: Their

    @property
    def root(self) -> str:
        """Where its pages begin."""
        return f"{ROOT}/{self.id}"

    @property
    def day(self) -> date:
        """The day that is shown."""
        return date.fromisoformat(self.days["day"])

    @property
    def names(self) -> Mapping[str, str]:
        """Account → what residents are told of who comes."""
        return {one["account_id"]: one["worker"] for one in self.days["items"]}

    @property
    def sent(self) -> list[tuple[str, str]]:
        """Those who are given work, by account and name."""
        return [(one["account_id"], one["worker"]) for one in self.days["items"] if one["is_sent"]]


def kept_by(visit: Visit) -> list[uuid.UUID]:
    """Return the companies whose orders the visitor keeps."""
    found = {
        held.organization_id: None
        for held in visit.actor.memberships
        if held.role == "coordinator" and held.organization_kind in KINDS
    }
    return list(found)


async def day_of(visit: Visit, organization_id: uuid.UUID, day: date | None = None) -> Json:
    """Return a day of a company's people, today without one; raises ``Refused``."""
    found: Json = await visit.api.get(f"/v1/organizations/{organization_id}/worker-days", date=day)
    return found


async def company_of(visit: Visit, organization_id: uuid.UUID, day: str = "") -> Company:
    """Return a company on a day; a day that is none is today. Raises ``Refused`` for who does not keep it."""
    days, services = await asyncio.gather(
        day_of(visit, organization_id, day_named(day)), visit.api.pages("/v1/home-services", _MOST)
    )
    return Company(
        id=organization_id,
        name=days["provider"],
        days=days,
        services={one["id"]: one["name"][visit.language] for one in services},
        their=Their(visit.language, ZoneInfo(days["time_zone"])),
    )


def page(visit: Visit, template: str, company: Company, tab: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page of a company."""
    return show(
        visit,
        f"provider/{template}",
        WORDS,
        status=status,
        company=company,
        their=company.their,
        tab=tab,
        money=lambda amount, currency: money(visit.language, amount, currency),
        lasts=lambda text: duration(visit, length(text)),
        **values,
    )


def refused(visit: Visit, refusal: Refused) -> Trouble:
    """Return what a page says of a refusal; raises it again where the page has nothing to say.

    That what was filled in is not right, or was changed by somebody meanwhile, each of these pages can say.
    """
    if refusal.status in _SAID_HERE and f"trouble_{refusal.code}" not in WORDS[visit.language]:
        said = words_of(WORDS, visit.language)[f"trouble_{_SAID_HERE[refusal.status]}"]
        visit.request.state.trouble_said = said
        return Trouble(refusal.status, said, refusal)
    return trouble_of(visit, refusal, WORDS)
