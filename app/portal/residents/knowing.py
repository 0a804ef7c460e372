"""Whom a page is about: what the visitor may see of them, on whose clock their day is told, which tabs there are."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.portal.ground.asking import Query, unless_hidden
from app.portal.ground.their import Their
from app.portal.ground.visits import Visit

TABS: Final[Mapping[str, Sequence[str]]] = {
    "overview": (),
    "timeline": (
        "check_ins:read",
        "alarms:read",
        "medication:read",
        "vitals:read",
        "visits:read",
        "circle:read",
        "wellbeing:read",
        "appointments:manage",
        "consultations:read",
        "records:read",
    ),
    "vitals": ("vitals:read",),
    "doses": ("medication:read",),
    "visits": ("visits:read",),
    "home": ("home:activity",),
    "appointments": ("appointments:manage",),
    "circle": ("circle:read",),
    "consent": (),
}
"""The tabs in their order, and the rights any of which shows something there; none needed, everybody sees it."""


@dataclass(frozen=True, slots=True)
class Known:
    """A resident whom the visitor may know something of."""

    visit: Visit
    id: uuid.UUID
    account_id: str
    name: str
    state: str
    scopes: frozenset[str]
    grounds: Sequence[Mapping[str, Any]]
    their: Their

    @property
    def is_self(self) -> bool:
        """Say whether the visitor is the resident."""
        return self.visit.actor.resident_id == self.id

    @property
    def address(self) -> str:
        """Where the pages about them are."""
        return f"/portal/residents/{self.id}"

    @property
    def is_elsewhere(self) -> bool:
        """Say whether their clock shows another time than the visitor's."""
        return self.their.is_another_than(self.visit.time_zone)

    def may(self, scope: str) -> bool:
        """Say whether the visitor has a right."""
        return scope in self.scopes

    def may_write(self, scope: str) -> bool:
        """Say whether a form for it is of use: support looking on changes nothing."""
        return self.may(scope) and not self.visit.is_viewing_as

    def shows(self, tab: str) -> bool:
        """Say whether there is something on the tab for this visitor."""
        needed = TABS[tab]
        if tab == "appointments":
            return any(scope in ground["scopes"] for ground in self._of_patients() for scope in needed)
        if tab == "timeline":
            return any(scope in ground["scopes"] for ground in self._lasting() for scope in needed)
        return not needed or any(self.may(scope) for scope in needed)

    def tabs(self, words: Mapping[str, str]) -> list[tuple[str, str, str]]:
        """Return key, address and name of each tab the visitor sees."""
        return [
            (tab, self.address if tab == "overview" else f"{self.address}/{tab}", words[f"tab_{tab}"])
            for tab in TABS
            if self.shows(tab)
        ]

    async def ask(self, what: str, **query: Query) -> Any:
        """Return what the API says of this resident; raises ``Refused``."""
        return await self.visit.api.get(f"/v1/residents/{self.id}/{what}", **query)

    async def ask_if(self, scope: str, what: str, **query: Query) -> Any:
        """Return what the API says of this resident, ``None`` where that is not shared with the visitor."""
        return await unless_hidden(self.ask(what, **query)) if self.may(scope) else None

    async def items_if(self, scope: str, what: str, **query: Query) -> list[Any]:
        """Return the first items of a list, none where it is not shared."""
        page = await self.ask_if(scope, what, **query)
        return list(page["items"]) if page else []

    def _of_patients(self) -> list[Mapping[str, Any]]:
        """Return the grounds that count at a clinic: an agency never sees what its clients tell their doctors."""
        return [ground for ground in self.grounds if ground["organization_kind"] in (None, "clinic")]

    def _lasting(self) -> list[Mapping[str, Any]]:
        """Return the grounds but for those an alarm opened: years of somebody's life are no emergency's business."""
        return [ground for ground in self.grounds if ground["kind"] != "break_glass"]


async def known(visit: Visit, resident_id: uuid.UUID) -> Known:
    """Return a resident as the visitor may know them; raises ``Refused`` (404) where they may not."""
    access = await visit.api.get(f"/v1/me/access/{resident_id}")
    return Known(
        visit,
        resident_id,
        access["account_id"],
        access["name"],
        access["state"],
        frozenset(access["scopes"]),
        access["grounds"],
        Their(visit.language, ZoneInfo(access["time_zone"])),
    )
