"""Which parts of pages a fact changes, and which right lets a reader know that there was one."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

EVERYTHING: Final = "*"
TODAY: Final = "today"
DESK: Final = "desk"
ALARM: Final = "alarm:"
INBOX: Final = "inbox"
CLINIC: Final = "clinic"
BROADCASTS: Final = "broadcasts"
ORDERS: Final = "orders:"
ATTRACTIONS: Final = "attractions:"

_Topics = Callable[[uuid.UUID, uuid.UUID], tuple[str, ...]]  # of the thing and the resident


@dataclass(frozen=True, slots=True)
class Fact:
    """What is read of the outbox."""

    name: str
    aggregate_id: uuid.UUID
    community_id: uuid.UUID
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """Something about a resident that whoever has any of ``scopes`` on them may know of (none: any right).

    ``at_desk`` are topics for those of them who work at the duty desk. Without a resident it is the community's staff's
    who announce.
    """

    resident_id: uuid.UUID | None
    community_id: uuid.UUID
    scopes: frozenset[str]
    topics: tuple[str, ...]
    at_desk: tuple[str, ...] = ()
    organization_id: uuid.UUID | None = None
    """Whose work it is: its people know of it, whatever they may see of the resident, and of what is about none."""


class Changes:
    """What happened in a look, by whom it is about: most readers see a few of thousands."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.announced: list[Change] = []
        self._of_residents: defaultdict[uuid.UUID, list[Change]] = defaultdict(list)
        self._of_communities: defaultdict[uuid.UUID, list[Change]] = defaultdict(list)
        self._of_organizations: defaultdict[uuid.UUID, set[str]] = defaultdict(set)
        for change in changes:
            if change.organization_id is not None:
                self._of_organizations[change.organization_id].add(f"{ORDERS}{change.organization_id}")
            if change.resident_id is None:
                self.announced.append(change)
            else:
                self._of_residents[change.resident_id].append(change)
                self._of_communities[change.community_id].append(change)

    def __bool__(self) -> bool:
        return bool(self.announced or self._of_residents)

    def of_organizations(self, organizations: Iterable[uuid.UUID]) -> Iterator[str]:
        """Yield the topics of what changed in the work of any of ``organizations``."""
        for organization_id in organizations:
            yield from self._of_organizations.get(organization_id, ())

    def which_concern(self, residents: set[uuid.UUID | None], communities: Iterable[uuid.UUID]) -> Iterator[Change]:
        """Yield the changes about any of ``residents``, or in any of ``communities``."""
        for resident_id in residents & self._of_residents.keys():
            if resident_id is not None:
                yield from self._of_residents[resident_id]
        for community_id in communities:
            yield from self._of_communities.get(community_id, ())


@dataclass(frozen=True, slots=True)
class _Kind:
    scopes: frozenset[str]
    topics: _Topics


def _of_resident(_thing: uuid.UUID, resident: uuid.UUID) -> tuple[str, ...]:
    return (f"resident:{resident}",)


def _of_day(_thing: uuid.UUID, resident: uuid.UUID) -> tuple[str, ...]:
    return (TODAY, f"resident:{resident}")


def _of_clinic(_thing: uuid.UUID, resident: uuid.UUID) -> tuple[str, ...]:
    return (CLINIC, TODAY, f"resident:{resident}")


def _of_line(_thing: uuid.UUID, _resident: uuid.UUID) -> tuple[str, ...]:
    return (CLINIC,)


def _of_alarm(alarm: uuid.UUID, resident: uuid.UUID) -> tuple[str, ...]:
    return (TODAY, f"resident:{resident}", f"{ALARM}{alarm}")


def _of_messages(_thing: uuid.UUID, resident: uuid.UUID) -> tuple[str, ...]:
    return (f"messages:{resident}", TODAY)


def _of_rota(_thing: uuid.UUID, resident: uuid.UUID) -> tuple[str, ...]:
    return (f"rota:{resident}", f"resident:{resident}")


def _kind(topics: _Topics, *scopes: str) -> _Kind:
    return _Kind(frozenset(scopes), topics)


_HOME: Final = ("home:read", "home:control", "home:manage", "home:activity")
_ALARM: Final = _kind(_of_alarm, "alarms:read")
_CIRCLE: Final = _kind(_of_rota, "circle:read")
# By how the names of facts begin. What is not listed changes no page, or nobody may know of it by this way.
_FACTS: Final[Mapping[str, _Kind]] = {
    "eldercare.alarm_": _ALARM,
    "eldercare.check_in_": _kind(_of_day, "check_ins:read"),
    "eldercare.absence_": _kind(_of_day, "check_ins:read"),
    "eldercare.dose_": _kind(_of_day, "medication:read"),
    "eldercare.visit_": _kind(_of_day, "visits:read"),
    "eldercare.circle_member_": _CIRCLE,
    "eldercare.safe_zone_": _kind(_of_resident, "location:read"),
    "community.home_noticed.": _kind(_of_day, *_HOME),
    "community.home_settled.": _kind(_of_day, *_HOME),
    "community.home_fell_silent.": _kind(_of_day, *_HOME),
    "community.home_heard_again.": _kind(_of_day, *_HOME),
    "community.order_": _kind(_of_day, "home_services:read"),
    "community.trip_": _kind(_of_day, "trips:read"),
    "telemedicine.appointment_": _kind(_of_clinic, "appointments:manage"),
    "telemedicine.consultation_": _kind(_of_clinic, "consultations:read"),
    "telemedicine.prescription_": _kind(_of_resident, "medication:read"),
    "identity.profile_changed.": _kind(_of_day),
    "identity.resident_": _kind(_of_day),
    "identity.grant_": _kind(_of_resident),
}
_PARTS: Final[Mapping[str, _Kind]] = {
    "check_in": _kind(_of_day, "check_ins:read"),
    "medication": _kind(_of_day, "medication:read"),
    "queue": _kind(_of_line, "appointments:manage"),
    "messages": _kind(_of_messages, "messages:read"),
    "rota": _CIRCLE,
    "vitals": _kind(_of_day, "vitals:read"),
    "visit": _kind(_of_day, "visits:read"),
    "wellbeing": _kind(_of_resident, "wellbeing:read"),
}
_ORDER: Final = "community.order_"
_TOUCHED: Final = "core.page_touched.v1"
_OF_ATTRACTIONS: Final = (
    "community.ticket_order_",
    "community.tickets_refunded.",
    "community.slot_",
    "community.attraction_",
)
_ABOUT_THEMSELVES: Final = ("identity.resident_closed.v1", "identity.resident_reopened.v1")
SETTLED: Final = "notifications.delivery_settled.v1"


# Of whom a fact says that their rights may be others now: the field that names the account.
_RIGHTS: Final[Mapping[str, str | None]] = {
    "identity.grant_": "grantee_account_id",
    "identity.account_deactivated.": None,
    "identity.membership_ended.": None,
    "identity.session_revoked.": "account_id",
    "eldercare.circle_member_": "account_id",
}


def change_of(fact: Fact) -> Change | None:
    """Return what a fact changes on pages, if anything."""
    if fact.name == _TOUCHED and fact.payload.get("part") == "broadcast":
        return Change(None, fact.community_id, frozenset(), (BROADCASTS,))
    kind = _PARTS.get(str(fact.payload.get("part"))) if fact.name == _TOUCHED else _known(_FACTS, fact.name)
    resident_id = _resident_of(fact)
    if kind is None or resident_id is None:
        return None
    if kind is _ALARM:
        return alarm_change(fact.aggregate_id, resident_id, fact.community_id)
    return Change(
        resident_id,
        fact.community_id,
        kind.scopes,
        kind.topics(fact.aggregate_id, resident_id),
        organization_id=_organization_of(fact),
    )


def attraction_change(fact: Fact) -> Change | None:
    """Return what a fact changes for those who work at attractions: of what they sell, or of their gates."""
    named = fact.payload.get("organization_id")
    is_theirs = fact.name == _TOUCHED and fact.payload.get("part") == "attraction"
    if named is None or not (is_theirs or fact.name.startswith(_OF_ATTRACTIONS)):
        return None
    organization_id = uuid.UUID(str(named))
    topics = (f"{ATTRACTIONS}{organization_id}",)
    return Change(None, fact.community_id, frozenset(), topics, organization_id=organization_id)


def alarm_change(alarm_id: uuid.UUID, resident_id: uuid.UUID, community_id: uuid.UUID) -> Change:
    """Return that something became of an alarm."""
    return Change(resident_id, community_id, _ALARM.scopes, _of_alarm(alarm_id, resident_id), (DESK,))


def check_in_change(resident_id: uuid.UUID, community_id: uuid.UUID) -> Change:
    """Return that something became of a check-in."""
    kind = _PARTS["check_in"]
    return Change(resident_id, community_id, kind.scopes, kind.topics(resident_id, resident_id))


def account_with_other_rights(fact: Fact) -> uuid.UUID | None:
    """Return whose rights a fact may have changed, if anybody's."""
    for beginning, field in _RIGHTS.items():
        if fact.name.startswith(beginning):
            return fact.aggregate_id if field is None else uuid.UUID(str(fact.payload[field]))
    return None


def _known(kinds: Mapping[str, _Kind], name: str) -> _Kind | None:
    return next((kind for beginning, kind in kinds.items() if name.startswith(beginning)), None)


def _organization_of(fact: Fact) -> uuid.UUID | None:
    """Return whose work a fact is about, if it is an order of help at home."""
    named = fact.payload.get("organization_id") if fact.name.startswith(_ORDER) else None
    return uuid.UUID(str(named)) if named else None


def _resident_of(fact: Fact) -> uuid.UUID | None:
    if fact.name in _ABOUT_THEMSELVES:
        return fact.aggregate_id
    named = fact.payload.get("resident_id")
    return uuid.UUID(str(named)) if named else None
