"""What every page of a clinic knows: which clinic it is, as what the visitor works there, and its clock."""

import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from app.portal.clinic.texts import WORDS
from app.portal.ground.asking import HIDDEN, Refused
from app.portal.ground.changing import Change, Trouble, changed, show_with
from app.portal.ground.forms import Form
from app.portal.ground.their import Their
from app.portal.ground.visits import Visit

DESK, CLINICIAN = "coordinator", "clinician"
_ROLES: Final = (DESK, CLINICIAN)
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class House:
    """A clinic, and as what the visitor works there."""

    id: uuid.UUID
    name: str
    roles: frozenset[str]
    there: Their

    @property
    def address(self) -> str:
        """Return where its pages are."""
        return f"/portal/clinic/{self.id}"

    @property
    def api(self) -> str:
        """Return where the API keeps it."""
        return f"/v1/clinics/{self.id}"

    @property
    def sees_charts(self) -> bool:
        """Say whether the visitor may treat somebody here."""
        return CLINICIAN in self.roles

    @property
    def keeps(self) -> bool:
        """Say whether the visitor keeps the clinic."""
        return DESK in self.roles

    def tabs(self, words: Mapping[str, str]) -> list[tuple[str, str, str]]:
        """Return the pages this visitor may open: the API refuses them the others."""
        shown = [("day", self.address), ("queue", f"{self.address}/queue")]
        if self.sees_charts:
            shown += [("video", f"{self.address}/video"), ("renewals", f"{self.address}/renewals")]
        shown.append(("referrals", f"{self.address}/referrals"))
        if self.keeps:
            shown.append(("screens", f"{self.address}/screens"))
        return [(key, address, words[f"tab_{key}"]) for key, address in shown]


def clinics_of(visit: Visit) -> list[uuid.UUID]:
    """Return the clinics the visitor works at."""
    held = (one for one in visit.actor.memberships if one.organization_kind == "clinic" and one.role in _ROLES)
    return list(dict.fromkeys(one.organization_id for one in held))


async def house_of(visit: Visit, organization_id: uuid.UUID) -> House:
    """Return a clinic at which the visitor works; raises ``Refused`` for any other."""
    roles = frozenset(
        held.role
        for held in visit.actor.memberships
        if held.organization_id == organization_id and held.organization_kind == "clinic" and held.role in _ROLES
    )
    if not roles:
        raise Refused(403, {"code": "forbidden", "status": 403})
    found = await visit.api.get(f"/v1/clinics/{organization_id}")
    there = Their(visit.language, ZoneInfo(found["time_zone"]))
    return House(organization_id, found["name"], roles, there)


def shown(visit: Visit, house: House, page: str, *, trouble: Trouble | None = None, **values: Any) -> Response:
    """Return a page of a clinic; with why nothing was done, where something was refused."""
    return show_with(visit, f"clinic/{page}.html", WORDS, trouble, house=house, there=house.there, **values)


async def asked(
    visit: Visit, form: Form, method: str, path: str, body: Any = None, version: int | None = None
) -> Trouble | None:
    """Ask for a change, once however often the form is pressed; return why it was refused."""
    return await changed(visit, form, Change(method, path, body, version), WORDS)


async def or_why(awaited: Awaitable[Any]) -> tuple[Any, str]:
    """Return what the API answers and no reason, or nothing and the code by which it says that it is not shown."""
    try:
        return await awaited, ""
    except Refused as refusal:
        if refusal.status in HIDDEN:
            return None, refusal.code
        raise
