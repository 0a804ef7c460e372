"""One access matrix for both: every page is opened by everyone, and tells them what the API does, and no more."""

import re
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Final

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlmodel import col

from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.core.sealing import seal
from app.identity.models import Account, Household, Resident
from app.identity.people.seals import ADDRESS, EMERGENCY_NOTES
from app.portal.ground.visits import SIGN_IN, visitor
from eldercare.messages.models import TEXT_CONTEXT, CircleMessage
from tests.architecture.access_world import ACTORS, World, open_world
from tests.architecture.test_access_matrix import ROWS
from tests.architecture.test_routes import calls
from tests.factories.telemedicine_records import LETTER, health_record
from tests.portal import ground
from tests.portal.standing import attraction, clinic, provider, residents, road

PEOPLE: Final = tuple(actor for actor in ACTORS if actor not in ("nobody", "client", "device"))
ONLY: Final = {
    "/portal/operator": {"operator", "foreign"},  # those who run a community, the resident's or another
    # The world's attraction is an agency's, and gates are listed to those of attractions alone.
    "/portal/attraction/{organization_id}/{attraction_id}/gates/{gate_id}": {"operator"},
    "/portal/clinic": {"clinician", "rival"},
    "/portal/provider/": set(PEOPLE),
    "/portal/provider": {"agency", "rival", "carer"},
    "/me": {"resident", "neighbour"},
    "/portal/payments": {"resident"},  # whoever pays, and nobody else
}
"""Whose pages those are that begin so, whatever they show; of several beginnings the first one counts."""

_KNOWN: Final = ("getOwnAccess",)
_CONVERSATION: Final = ("listCircles", "listResidentCircleMessages", "listResidentCircleReadMarks")
_ALARM: Final = ("getAlarm", "getAlarmProgress")
_DESK: Final = ("listDeskQueue", "getDeskCoverage")
_DESK_ALARM: Final = ("getDeskAlarm", "getAlarmProgress", "getDeskCoverage")
_PLANS: Final = ("listDefaultEscalationPlans", "listOrganizations")
_ORGANIZATION: Final = ("listOrganizations", "listMembers", "listInvitations", "listAgreements")

PAGES: Final[dict[str, tuple[str, ...]]] = {
    "/portal": (),
    "/portal/alarms": ("listAlarmLog",),
    "/portal/alarms/part": ("listAlarmLog",),
    "/portal/alarms/{alarm_id}": _ALARM,
    "/portal/alarms/{alarm_id}/resolution": ("getAlarmProgress",),
    "/portal/alarms/{alarm_id}/take-over": ("getAlarmProgress",),
    "/portal/alarms/{alarm_id}/top/part": _ALARM,
    "/portal/alarms/{alarm_id}/trail/part": _ALARM,
    "/portal/circles": ("listCircles",),
    "/portal/circles/part": ("listCircles",),
    "/portal/circles/{resident_id}/messages": _CONVERSATION,
    "/portal/circles/{resident_id}/messages/part": _CONVERSATION,
    "/portal/desk": _DESK,
    "/portal/desk/part": _DESK,
    "/portal/desk/waiting/part": ("listDeskQueue",),
    "/portal/desk/alarms/{alarm_id}": _DESK_ALARM,
    "/portal/desk/alarms/{alarm_id}/part": _DESK_ALARM,
    "/portal/desk/response-times": ("getResponseTimes", "listResponseTimesByMonth", "listFalseAlarmTotals"),
    "/portal/me": (),
    "/portal/me/devices": ("listMySessions",),
    "/portal/me/preferences": ("getMyNotificationPreferences", "getMyAccount"),
    "/portal/operator": (
        "listParkedItems",
        "getInstallation",
        "getDeliveryOverview",
        "listDefaultEscalationPlans",
        "listBroadcasts",
    ),
    "/portal/operator/audit": ("listAuditEntries",),
    "/portal/operator/broadcasts": ("listBroadcasts",),
    "/portal/operator/broadcasts/new": (),
    "/portal/operator/broadcasts/{broadcast_id}": ("getBroadcast",),
    "/portal/operator/broadcasts/{broadcast_id}/cancellation": (),
    "/portal/operator/broadcasts/{broadcast_id}/part": ("getBroadcast",),
    "/portal/operator/deliveries": ("getDeliveryRates", "getDeliveryOverview"),
    "/portal/operator/imports": (),
    "/portal/operator/organizations": ("listOrganizations",),
    "/portal/operator/organizations/{organization_id}": _ORGANIZATION,
    "/portal/operator/organizations/{organization_id}/agreements/{agreement_id}/end": (),
    "/portal/operator/organizations/{organization_id}/invitations/{invitation_id}/revoke": (),
    "/portal/operator/organizations/{organization_id}/members/{account_id}/end": ("listOrganizations", "listMembers"),
    "/portal/operator/parked": ("listParkedItems",),
    "/portal/operator/parked/replay": (),
    "/portal/operator/plans": _PLANS,
    "/portal/operator/plans/new": _PLANS,
    "/portal/operator/plans/{plan_id}/activation": (),
    "/portal/operator/residents": ("listResidents",),
    "/portal/operator/residents/new": (),
    "/portal/operator/residents/{resident_id}": ("getResidentProfile",),
    "/portal/operator/residents/{resident_id}/closure": ("getResidentProfile",),
    "/portal/operator/residents/{resident_id}/contact-points/{point_id}/remove": ("listResidentContactPoints",),
    "/portal/operator/settings": ("getCommunity", "getInstallation"),
    "/portal/operator/settings/holidays/{year}": ("listHolidays",),
    "/portal/operator/settings/messages": ("listNoticeTemplates",),
    "/portal/operator/view-as": ("listResidents",),
    **dict.fromkeys(
        (f"/portal/payments/{{reference_id}}{rest}" for rest in ("", "/part", "/bank", "/made-up-bank")),
        ("listMyAuthorizations",),
    ),
    "/portal/push": ("getAppConfig",),
    "/portal/residents/{resident_id}": _KNOWN,
    "/portal/residents/{resident_id}/appointments": (*_KNOWN, "listResidentAppointments"),
    "/portal/residents/{resident_id}/circle": (*_KNOWN, "listResidentCircle"),
    "/portal/residents/{resident_id}/consent": _KNOWN,
    "/portal/residents/{resident_id}/doses": (*_KNOWN, "listResidentDoses", "listResidentRegimens"),
    "/portal/residents/{resident_id}/home": (*_KNOWN, "getResidentHomeActivity"),
    "/portal/residents/{resident_id}/part": _KNOWN,
    "/portal/residents/{resident_id}/timeline": (*_KNOWN, "listResidentTimeline"),
    "/portal/residents/{resident_id}/timeline/part": (*_KNOWN, "listResidentTimeline"),
    "/portal/residents/{resident_id}/visits": (*_KNOWN, "listResidentCareVisits"),
    "/portal/residents/{resident_id}/visits/{visit_id}": (*_KNOWN, "getResidentCareVisit"),
    "/portal/residents/{resident_id}/vitals": (*_KNOWN, "listResidentVitals", "listResidentLatestVitals"),
    "/portal/rota": ("listCircles",),
    "/portal/sign-in/second-factor": ("getMySecondFactor",),
    "/portal/today": ("getCareOverview",),
    "/portal/today/people": ("listCareOverview",),
    "/portal/today/part": ("getCareOverview",),
    **attraction.PAGES,
    **clinic.PAGES,
    **provider.PAGES,
    **residents.PAGES,
    **road.PAGES,
}
"""Each page, and the operations it stands on: whoever is refused one of them is refused the page.

What a page merely leaves out where the API refuses it is not named: what it may tell of it stands in ``SECRETS``.
"""
QUERIES: Final = {
    "/portal/attraction/{organization_id}/{attraction_id}/cancellations/new": "?slot={ticket-slots}",
    "/portal/operator/organizations/{organization_id}/agreements/{agreement_id}/end": "?version=1",
    "/portal/operator/parked/replay": "?kind=event",
    "/portal/operator/residents": "?query=Tabitha",
    "/portal/operator/view-as": "?q=Tabitha",
    "/portal/today/people": "?name=Tabitha",
    "/me/services/book/{service_id}/repeat": "?offer={home-services}&at=2026-03-05T08:00:00Z",
}
_IN_PATHS: Final = {
    "resident_id": "residents",
    "alarm_id": "alarms",
    "visit_id": "visits",
    "organization_id": "organizations",
    "account_id": "members",
    "agreement_id": "agreements",
    "invitation_id": "invitations",
    "broadcast_id": "broadcasts",
    "plan_id": "escalation-plans",
    "point_id": "contact-points",
    "member_id": "circle",
    "message_id": "circle-messages",
    "absence_id": "absences",
    "swap_id": "swaps",
    "handover_id": "handovers",
    "pause_id": "check-in-pauses",
    "dose_id": "doses",
    "grant_id": "grants",
    "item_id": "parked-items",
    "year": "holidays",
    "appointment_id": "appointments",
    "reference_id": "payments",
    "attraction_id": "attractions",
    "cancellation_id": "slot-cancellations",
    "command_id": "home-commands",
    "conflict_id": "admission-conflicts",
    "consultation_id": "consultations",
    "day": "visitor-days",
    "display_id": "queue-displays",
    "entity_id": "home-entities",
    "exception_id": "exceptions",
    "extra_id": "extra-time",
    "gate_id": "gates",
    "month": "provider-statements",
    "offer_id": "home-order-offers",
    "order_id": "home-orders",
    "photo_id": "photos",
    "prescription_id": "prescriptions",
    "product_id": "ticket-products",
    "question_id": "questions",
    "rating_id": "ratings",
    "record_id": "health-records",
    "referral_id": "referrals",
    "renewal_id": "renewal-requests",
    "scene_id": "home-scenes",
    "series_id": "home-order-series",
    "service_id": "home-services",
    "slot_id": "ticket-slots",
    "quota_id": "ticket-quotas",
    "addon_id": "ticket-addons",
    "template_id": "slot-templates",
    "ticket_id": "tickets",
    "transfer_id": "transfers",
    "voucher_id": "ticket-vouchers",
    "worker_id": "workers",
}
"""The collection of the matrix's world whose thing stands in a page's address."""
_WITHIN: Final = {
    ("/portal/attraction", "order_id"): "office-orders",
    ("/portal/attraction", "exception_id"): "opening-exceptions",
    ("/portal/clinic", "organization_id"): "clinics",
    ("/portal/clinic", "ticket_id"): "queue-tickets",
    ("/portal/provider", "plan_id"): "day-plans",
    ("/me/tickets", "order_id"): "ticket-orders",
}
"""Where something else goes by that name: in addresses that begin so."""
_WORDS_IN_PATHS: Final = {"act": "acknowledge", "says": "acceptance", "kind": "allergy", "language": "en"}

SECRETS: Final = {
    "name": ("Tabitha Quillfeather", {"getOwnAccess"}),
    "address": ("17 Heronry Passage", {"getResidentProfile"}),
    "note": ("The key hangs behind the blue pot", {"getResidentProfile"}),
    "phone": ("13800000001", {"listResidentContactPoints"}),
    "landline": ("2155550001", {"listResidentContactPoints"}),
    "mail": ("grace@example.org", {"listResidentContactPoints"}),
    "message": ("Her cough is back since Tuesday", {"listResidentCircleMessages"}),
}
"""What is only the resident's, and the operations whoever sees it on any page is answered by."""


def of_visitors(app: FastAPI, method: str) -> Iterator[str]:
    """Yield the addresses of the portal that ask who visits."""
    for route in app.routes:
        if not isinstance(route, APIRoute) or not re.match(r"/(portal|me)(/|$)", route.path):
            continue
        if route.path.startswith("/portal/tests/"):
            continue  # of the ground's own tests, in the same process
        if method in (route.methods or ()) and visitor in calls(route.dependant):
            yield route.path


def address_in(world: World, path: str) -> str:
    """Return a page's address with the things of the world in it."""

    def named(found: re.Match[str]) -> str:
        name = found[1]
        within = (thing for (begin, what), thing in _WITHIN.items() if what == name and path.startswith(begin))
        return _WORDS_IN_PATHS.get(name) or world.ids[next(within, None) or _IN_PATHS[name]]

    query = QUERIES.get(path, "").format_map(world.ids)
    return re.sub(r"\{(\w+)\}", named, path) + query


def is_due(path: str, actor: str) -> bool:
    """Say whether the API answers somebody all that the page stands on."""
    whose = next((people for begin, people in ONLY.items() if path.startswith(begin)), None)
    if whose is not None and actor not in whose:
        return False
    return all(ROWS[operation][actor] == "ok" for operation in PAGES[path])


async def telling_world() -> World:
    """Insert the matrix's world, whose resident has a name, an address, a note and a message that nothing else is."""
    world = await open_world()
    async with unit_of_work() as session:
        resident = await session.get_one(Resident, uuid.UUID(world.ids["residents"]))
    world.ids["health-records"] = str((await health_record(resident, LETTER)).id)
    of_resident = col(Resident.id) == world.ids["residents"]
    account = sa.select(col(Resident.account_id)).where(of_resident).scalar_subquery()
    home = sa.select(col(Resident.household_id)).where(of_resident).scalar_subquery()
    said = {what: text for what, (text, _) in SECRETS.items()}
    note, words = seal(said["note"], EMERGENCY_NOTES), seal(said["message"], TEXT_CONTEXT)
    async with unit_of_work() as session:
        for change in (
            sa.update(Account).where(col(Account.id) == account).values(name=said["name"]),
            sa.update(Household).where(col(Household.id) == home).values(address=seal(said["address"], ADDRESS)),
            sa.update(Resident).where(of_resident).values(emergency_notes=note),
            sa.update(CircleMessage).where(col(CircleMessage.id) == world.ids["circle-messages"]).values(text=words),
        ):
            await session.execute(change)
    return world


async def browsers(app: FastAPI, world: World, stack: AsyncExitStack) -> dict[str, httpx.AsyncClient]:
    """Return a browser in which each of them is signed in, with a second factor."""
    return {
        actor: await stack.enter_async_context(ground.visitor(app, world.people[actor], second_factor=True))
        for actor in PEOPLE
    }


def test_every_page_says_what_it_stands_on(app: FastAPI) -> None:
    assert sorted(of_visitors(app, "GET")) == sorted(PAGES)
    assert {operation for needed in PAGES.values() for operation in needed} <= set(ROWS)
    assert set(QUERIES) <= set(PAGES)


async def test_a_page_answers_whom_the_api_answers_and_tells_nobody_more(
    app: FastAPI, database: Database, clock: ManualClock
) -> None:
    world = await telling_world()
    wrong: list[str] = []
    told: set[tuple[str, str]] = set()
    async with AsyncExitStack() as stack:
        for actor, browser in (await browsers(app, world, stack)).items():
            for path in PAGES:
                page = await browser.get(address_in(world, path))
                answered = page.status_code
                if answered not in ((200, 303) if is_due(path, actor) else (403, 404)):
                    wrong.append(f"{path} as {actor}: {answered}")
                if answered == 303 and page.headers["location"].startswith(SIGN_IN):
                    wrong.append(f"{path} as {actor}: to sign in")
                shown = re.sub(r"(?<=\d)[ \u00a0-](?=\d)", "", page.text)
                for what, (text, operations) in SECRETS.items():
                    if text not in shown:
                        continue
                    told.add((what, actor))
                    if any(ROWS[operation][actor] != "ok" for operation in operations):
                        wrong.append(f"{path} tells {actor} the {what}")
    assert wrong == []
    assert {what for what, _ in told} == set(SECRETS)


async def test_nobody_is_led_to_where_one_signs_in(app: FastAPI, client: httpx.AsyncClient, clock: ManualClock) -> None:
    world = await open_world()
    for path in PAGES:
        page = await client.get(address_in(world, path))
        if path.endswith("/part"):  # asked for by a script, which says so on its page
            assert page.status_code == 401, path
            continue
        assert page.status_code == 303, path
        assert page.headers["location"].startswith(f"{SIGN_IN}?next="), path


async def test_nothing_is_posted_without_the_token_of_the_page(
    app: FastAPI, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    world = await open_world()
    forms = sorted(of_visitors(app, "POST"))
    assert len(forms) > 40
    addresses = {path: address_in(world, path) for path in forms}
    for path, address in addresses.items():
        assert (await client.post(address, data={"csrf": "guessed"})).status_code in (303, 403), path
    async with AsyncExitStack() as stack:
        for actor, browser in (await browsers(app, world, stack)).items():
            for path, address in addresses.items():
                assert (await browser.post(address, data={"csrf": "guessed"})).status_code == 403, (path, actor)
