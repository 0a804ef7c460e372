"""The demo community: founded once, through the API, by its operator and its residents; found again at every start."""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.access import Actor, Membership
from app.core.database import reading, unit_of_work
from app.demo import medication
from app.demo.client import Phones, Refused
from app.demo.people import Helper, Neighbour
from app.identity import api as identity

NAME: Final = "Lakeside (demo)"
TIME_ZONE: Final = "America/New_York"
SANDBOX: Final = "Sandbox Clinic"
"""What integrators try their software with: nobody of the demo goes there by themselves."""
_AT_ONCE: Final = 4
_AGENCY_SCOPES: Final = (
    "profile:read",
    "contacts:read",
    "check_ins:read",
    "check_ins:answer",
    "alarms:read",
    "alarms:raise",
    "alarms:respond",
    "circle:read",
    "medication:read",
    "medication:record",
    "visits:read",
    "visits:manage",
    "wellbeing:read",
    "wellbeing:manage",
)
CLINIC_SCOPES: Final = (
    "profile:read",
    "contacts:read",
    "vitals:read",
    "vitals:write",
    "vitals:manage",
    "appointments:manage",
    "consultations:read",
    "consultations:join",
    "records:read",
    "records:write",
)
_IN_CIRCLE: Final = (
    "profile:read",
    "check_ins:read",
    "check_ins:answer",
    "alarms:read",
    "alarms:respond",
    "circle:read",
    "medication:read",
    "medication:record",
    "visits:read",
    "messages:read",
    "messages:write",
    "wellbeing:read",
    "wellbeing:manage",
)
_FIRST_IN_CIRCLE: Final = (
    "vitals:read",
    "appointments:manage",
    "consultations:read",
    "consultations:join",
    "home_services:read",
    "home_services:order",
)
"""What the resident lets only the first of their circle see beside that."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Post:
    """A place on an organization's staff."""

    title: str
    organization: str
    role: str
    phone: str
    also: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[str, ...]:
        """All that they do there."""
        return (self.role, *self.also)


PHYSICIAN: Final = "Practice physician"
DOCTOR_ON_CALL: Final = "Doctor on call"
PRACTICE_PHONE: Final = "+12135550105"
GATE_PHONE: Final = "+12135550109"
PROVIDER: Final = "Lakeside Helping Hands"

POSTS: Final = (
    Post("Community operator", "operator", "operator", "+12135550100"),
    Post("Duty desk, early shift", "operator", "dispatcher", "+12135550101"),
    Post("Duty desk, late shift", "operator", "dispatcher", "+12135550102"),
    Post("Agency coordinator", "care_agency", "coordinator", "+12135550103"),
    *(Post(f"Carer {number}", "care_agency", "carer", f"+1213555011{number}") for number in range(1, 5)),
    Post(PHYSICIAN, "clinic", "clinician", "+12135550104"),
    Post("Practice coordinator", "clinic", "coordinator", PRACTICE_PHONE),
    Post(DOCTOR_ON_CALL, "clinic", "clinician", "+12135550106"),
    Post("Help at home, coordinator", "provider", "coordinator", "+12135550107"),
    *(Post(f"Home worker {number}", "provider", "worker", f"+1213555012{number}") for number in range(1, 8)),
    Post("Museum and garden, coordinator", "attraction", "coordinator", "+12135550108"),
    Post("Ticket office and gates", "attraction", "worker", GATE_PHONE),
)
"""Who works in the community. Nobody else's numbers are in this area."""
_ORGANIZATIONS: Final = {
    "care_agency": ("Lakeside Home Care", _AGENCY_SCOPES),
    "clinic": ("Lakeside Practice", CLINIC_SCOPES),
    "provider": (PROVIDER, ()),
    "attraction": ("Lakeside Museum and Garden", ()),
}


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a care circle, as they are known to Hearthline."""

    helper: Helper
    actor: Actor


@dataclass(frozen=True, slots=True)
class Resident:
    """A resident, as they are known to Hearthline."""

    neighbour: Neighbour
    id: uuid.UUID
    actor: Actor
    circle: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Village:
    """Everybody of the demo community."""

    community_id: uuid.UUID
    founded_on: date
    staff: dict[str, list[Actor]]  # by role
    residents: dict[uuid.UUID, Resident] = field(default_factory=dict)

    @property
    def operator(self) -> Actor:
        """The person who operates the community."""
        return self.staff["operator"][0]

    @property
    def guide(self) -> Resident:
        """The resident whose day visitors live through."""
        return next(resident for resident in self.residents.values() if resident.neighbour.number == 0)

    def at(self, organization_kind: str, role: str) -> list[Actor]:
        """Return those who work in a role at the organization of a kind."""
        return [one for one in self.staff[role] if one.memberships[0].organization_kind == organization_kind]

    def numbered(self, number: int) -> Resident | None:
        """Return the resident of a number, ``None`` where fewer people live."""
        return next((one for one in self.residents.values() if one.neighbour.number == number), None)

    def age(self, day: date) -> int:
        """Return how many days the community is old on a local day: some things befall its people by that."""
        return (day - self.founded_on).days


async def found(phones: Phones, neighbours: Iterable[Neighbour], progress: Progress) -> Village:
    """Found what of the community is not there yet and return it; ``progress`` is told of each resident."""
    village = await _staffed(phones)
    known = await _known_residents(phones, village.operator)
    limit = asyncio.Semaphore(_AT_ONCE)

    async def settle(home: list[Neighbour]) -> None:
        async with limit:
            household_id = None
            for neighbour in home:
                resident, household_id = await _resident(phones, village, neighbour, known, household_id)
                village.residents[resident.id] = resident
                progress(1)

    async with asyncio.TaskGroup() as tasks:
        for home in _homes(neighbours):
            tasks.create_task(settle(home))
    return village


def _homes(neighbours: Iterable[Neighbour]) -> list[list[Neighbour]]:
    homes: list[list[Neighbour]] = []
    for neighbour in neighbours:
        if neighbour.shares_home and homes:
            homes[-1].append(neighbour)
        else:
            homes.append([neighbour])
    return homes


async def _staffed(phones: Phones) -> Village:
    """Return the community with its staff and without its residents."""
    async with unit_of_work() as session:
        community = await identity.find_community(session, NAME)
        if community is None:
            community = await identity.found_community(
                session,
                name=NAME,
                country="US",
                time_zone=TIME_ZONE,
                currency="USD",
                languages=["en", "zh-CN"],
                emergency_numbers={"medical": "911", "fire": "911", "police": "911"},
                desk_phone=POSTS[1].phone,
            )
            await identity.add_first_operator(session, community.id, name=POSTS[0].title, phone=POSTS[0].phone)
    village = Village(community.id, community.created_at.astimezone(ZoneInfo(TIME_ZONE)).date(), {})
    operator = await _account_at(community.id, POSTS[0].phone)
    assert operator is not None, "the operator was appointed with the community"  # noqa: S101
    # Which organization is the operator's is known only once it is asked for as its member.
    at_work = Actor("account", operator, community.id, memberships=(Membership(community.id, "operator", "operator"),))
    known = await every(phones, at_work, "/v1/organizations")
    organizations = {row["kind"]: row["id"] for row in known if row["name"] != SANDBOX}
    for kind, (name, scopes) in _ORGANIZATIONS.items():
        if kind not in organizations:
            organizations[kind] = await add_organization(phones, at_work, kind, name, scopes)
    for post in POSTS:
        actor = await appointed(village.community_id, post, uuid.UUID(organizations[post.organization]))
        village.staff.setdefault(post.role, []).append(actor)
    return village


async def add_organization(phones: Phones, operator: Actor, kind: str, name: str, scopes: Iterable[str]) -> str:
    """Add an organization, with an agreement for everybody unless it sees only what is ordered; return its id."""
    added = await phones.ask(operator, "POST", "/v1/organizations", {"kind": kind, "name": name})
    agreement = {"scopes": list(scopes), "basis": "service contract with every household"}
    if agreement["scopes"]:
        await phones.ask(operator, "POST", f"/v1/organizations/{added['id']}/agreements", agreement)
    return str(added["id"])


async def appointed(community_id: uuid.UUID, post: Post, organization_id: uuid.UUID) -> Actor:
    """Return who holds a post, taken on first if nobody does."""
    account_id = await _account_at(community_id, post.phone)
    if account_id is None:
        async with unit_of_work() as session:
            account = await identity.appoint(
                session, community_id, organization_id, *post.roles, name=post.title, phone=post.phone
            )
        account_id = account.id
    memberships = tuple(Membership(organization_id, post.organization, role) for role in post.roles)
    return Actor("account", account_id, community_id, memberships=memberships)


async def _account_at(community_id: uuid.UUID, phone: str) -> uuid.UUID | None:
    async with reading() as connection:
        found = await identity.find_accounts_by_phone(connection, community_id, phone)
    return found[0] if found else None


async def _known_residents(phones: Phones, operator: Actor) -> dict[str, dict[str, Any]]:
    return {row["reference"]: row for row in await every(phones, operator, "/v1/residents?limit=100")}


async def every(phones: Phones, actor: Actor, path: str) -> list[dict[str, Any]]:
    """Return the items of all pages of a list."""
    page = await phones.ask(actor, "GET", path)
    items: list[dict[str, Any]] = page["items"]
    while page["next"]:
        page = await phones.ask(actor, "GET", f"{path}{'&' if '?' in path else '?'}cursor={page['next']}")
        items += page["items"]
    return items


async def _resident(
    phones: Phones,
    village: Village,
    neighbour: Neighbour,
    known: dict[str, dict[str, Any]],
    household_id: str | None,
) -> tuple[Resident, str | None]:
    """Return a resident and their household, taken in first if they are new."""
    row = known.get(neighbour.create["reference"])
    is_new = row is None
    if row is None:
        body = dict(neighbour.create)
        if household_id is not None:
            body = {name: value for name, value in body.items() if name != "household"} | {"household_id": household_id}
        row = await phones.ask(village.operator, "POST", "/v1/residents", body)
        household_id = row["household"]["id"]
    resident_id, account_id = uuid.UUID(row["resident_id"]), uuid.UUID(row["account_id"])
    actor = Actor("account", account_id, village.community_id, resident_id=resident_id)
    if neighbour.has_app and is_new:
        await _install(phones, actor, neighbour.create["language"])
    circle = await _circle(phones, village, actor, neighbour, resident_id=resident_id, is_new=is_new)
    if is_new or not (await phones.ask(actor, "GET", "/v1/me/check-in-plans"))["items"]:
        today = clock.now().date()
        await phones.ask(actor, "POST", "/v1/me/check-in-plans", {**neighbour.plan, "starts_on": str(today)})
        await medication.prescribe(phones, actor, neighbour.number, today)
    return Resident(neighbour, resident_id, actor, circle), household_id


async def _circle(
    phones: Phones, village: Village, actor: Actor, neighbour: Neighbour, *, resident_id: uuid.UUID, is_new: bool
) -> tuple[Member, ...]:
    """Return the care circle, asked in and joined first if it is new."""
    there = [] if is_new else (await phones.ask(actor, "GET", "/v1/me/circle"))["items"]
    members: list[Member] = []
    for number, helper in enumerate(neighbour.circle):
        if number < len(there):
            joined = there[number]
        else:
            joined = await phones.ask(actor, "POST", "/v1/me/circle", _invitation(helper, is_first=number == 0))
        member = Actor("account", uuid.UUID(joined["account_id"]), village.community_id)
        if joined["state"] == "invited":
            await phones.ask(member, "POST", f"/v1/me/circles/{joined['id']}/acceptance")
            await _install(phones, member, helper.language)
            if number == 0:  # the first of each circle wants to hear of what changes
                await phones.ask(member, "PUT", f"/v1/residents/{resident_id}/wellbeing/listening")
        members.append(Member(helper, member))
    return tuple(members)


def _invitation(helper: Helper, *, is_first: bool) -> dict[str, Any]:
    return {
        "phone": helper.phone,
        "name": helper.name,
        "relationship": helper.relationship,
        "language": helper.language,
        "has_key": helper.has_key,
        "on_call": list(helper.on_call),
        "time_zone": helper.time_zone,
        "scopes": [*_IN_CIRCLE, *(_FIRST_IN_CIRCLE if is_first else ())],
    }


async def _install(phones: Phones, actor: Actor, language: str) -> None:
    """Have somebody's phone register itself for pushes."""
    name = f"demo-{actor.id.hex}"
    body = {"platform": "android", "app_version": "1.0.0", "language": language, "fid": name}
    await phones.ask(actor, "PUT", f"/v1/me/installations/{name}", body)


__all__ = ["NAME", "POSTS", "TIME_ZONE", "Member", "Refused", "Resident", "Village", "found"]
