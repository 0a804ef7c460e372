"""The people and things the access matrix is asked about: a resident, what is theirs, and everyone around them."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.clients.models import ApiKey
from app.identity.credentials import digest, new_secret
from app.identity.models import Account, Community, Organization, Resident
from app.identity.organizations.invitations import VALID_FOR
from app.identity.organizations.models import StaffInvitation
from app.identity.organizations.views import CONTACT, SECRET
from app.identity.people.seals import contact_index
from app.identity.scopes import CHECK_INS_READ, GRANTABLE, HOME_CONTROL
from app.identity.second_factor.models import AuthenticatorApp, Passkey
from app.identity.second_factor.service import SECRET as SECRET_OF_APP
from app.media.links import signed_url, upload_url
from app.media.models import STORED, Upload
from app.media.storage import storage
from community.housekeeping.models import HomeService, ServiceOffer
from community.workers.models import WORKERS, Worker
from eldercare.drills.models import Drill
from eldercare.duty_desk.models import DeskHandover
from eldercare.escalation.models import DeskTest
from eldercare.messages.models import CircleMessage
from eldercare.proxies.models import Proxy
from eldercare.rota.models import RotaAbsence, RotaSwap
from eldercare.shifts.models import DeskShift
from notifications.broadcasts.models import Broadcast
from notifications.inbox.models import INBOX
from notifications.unsubscribing.links import Subscription, token
from telemedicine.consultations.models import Participant
from tests.architecture import access_homes, access_people, access_running, access_tourism
from tests.factories import (
    billing,
    billing_subsidies,
    community_housekeeping,
    community_order_series,
    community_orders,
    community_ratings,
    community_workers,
    eldercare_alarms,
    eldercare_check_ins,
    eldercare_medication,
    eldercare_regimen_proposals,
    eldercare_visits,
    eldercare_vitals,
    eldercare_wellbeing,
    eldercare_zones,
    identity,
    notifications,
    sign_in,
    smart,
    telemedicine,
    telemedicine_appointments,
    telemedicine_clinics,
    telemedicine_prescriptions,
    telemedicine_records,
    telemedicine_referrals,
    telemedicine_settlement,
    webhooks,
)
from tests.media.samples import PDF
from tests.notifications.notices import TESTS

ACTORS: Final = (
    "nobody",  # without a credential
    "resident",  # the one concerned
    "neighbour",  # another resident of the community, who was granted nothing
    "known",  # a relative who may only control the resident's lamps
    "family",  # a relative in the care circle who was granted all there is to grant
    "proxy",  # who acts for the resident, by a document the operator checked, with all that a proxy can be let do
    "responder",  # whom an open alarm let in, and nothing else does
    "former",  # who had each of these rights, and a carer's and a coordinator's; all of them have ended
    "foreign",  # an operator of another community
    "operator",  # of the resident's community
    "desk",  # a dispatcher of that operator
    "office",  # a coordinator of that operator
    "agency",  # a coordinator of the care agency that looks after the resident
    "carer",  # of the same agency
    "clinician",  # of the clinic that looks after the resident
    "rival",  # a coordinator of an agency whose agreement has ended, and clinician of a clinic that serves another
    "client",  # a machine of the agency that reads check-ins
    "device",  # the resident's paired phone without a session
)
BESIDES: Final = {"Bills": "clinic_desk", "Referrals and questions between clinics": "asked"}
"""Who may do what no actor may do, by the matrix's section: a coordinator of the clinic, a clinician of the hospital it
asks. They are no columns: in every other row they are strangers.
"""
CALENDAR_SECRET: Final = "a-secret-that-is-long-enough"
DISPLAY_SECRET: Final = "a-screen-on-the-wall-shows-numbers"
FAMILY_PHONE: Final = "+8613800000777"
_NAMED: Final = re.compile(r"([^/]+)/\{\w+\}")

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class World:
    """How each actor signs in, those who are people, and the ids of the resident's things in the API's collections."""

    headers: dict[str, Headers]
    ids: dict[str, str]
    secret: str
    links: dict[str, str]
    people: dict[str, Account]

    def path(self, template: str) -> str:
        """Return the path with ids in place of its parameters: each is told by the segment before it.

        Where two collections hold things of one name, also by the collection: ``trips/stops``.
        """
        within = template.split("/")[2]

        def named(found: re.Match[str]) -> str:
            both = f"{within}/{found[1]}"
            return f"{found[1]}/{self.ids[both if both in self.ids else found[1]]}"

        return _NAMED.sub(named, template)


async def open_world() -> World:
    """Insert a community around one resident, another community, and everything a path can name."""
    place = await identity.community()
    resident = await identity.resident(place, phone="+8613800000001", email="grace@example.org")
    neighbour = await identity.resident(place, name="Walter", phone="+8613800000002")
    known = await identity.account(place, name="Niece", phone="+8613800000003")
    family = await identity.account(place, name="Daughter", phone=FAMILY_PHONE)
    await identity.grant(resident, known, [HOME_CONTROL])
    grant = await identity.grant(resident, family, GRANTABLE)
    house = await identity.organization(place, "operator")
    await identity.agreement(house)
    operator = await identity.staff(house, "operator")
    agency = await identity.organization(place, "care_agency")
    agreement = await identity.agreement(agency, None, resident)
    colleague = await identity.staff(agency, "carer", name="Colleague")
    clinic = await identity.organization(place, "clinic")
    await identity.agreement(clinic, None, resident)
    elsewhere = await identity.operator(await identity.community(name="Hillside"))
    client = await sign_in.client_headers(agency, [CHECK_INS_READ])
    device = await sign_in.device_headers(resident)
    headers: dict[str, Headers] = {"nobody": {}, "client": client, "device": device}
    people = {
        "resident": await _account(resident),
        "neighbour": await _account(neighbour),
        "known": known,
        "family": family,
        "foreign": elsewhere,
        "operator": operator,
        "desk": await identity.staff(house, "dispatcher"),
        "office": await identity.staff(house, "coordinator"),
        "agency": (coordinator := await identity.staff(agency, "coordinator")),
        "carer": (carer := await identity.staff(agency, "carer")),
        "clinician": (clinician := await identity.staff(clinic, "clinician")),
        "proxy": await access_people.proxy(resident, place),
        "rival": await access_people.rival(resident, place),
        "clinic_desk": await identity.staff(clinic, "coordinator"),
    }
    secret, invitation = await _invitation(place, agency, family, operator)
    key = _id_in(client)
    endpoint = await webhooks.endpoint(agency, "https://8.8.8.8/hook")
    (delivery,) = await webhooks.queued(endpoint, state="failed", send_at=None, settled_at=clock.now())
    ids: dict[str, object] = {
        "residents": resident.id,
        "accounts": colleague.id,
        "members": colleague.id,
        "grants": grant.id,
        "organizations": agency.id,
        "agreements": agreement.id,
        "invitations": invitation,
        "api-clients": (registered := await _client_of(key)),
        "smart-clients": registered,
        "connected-apps": (await smart.grant(resident, registered)).id,
        "keys": key,
        "webhook-endpoints": endpoint.id,
        "deliveries": delivery,
        "device-credentials": _id_in(device),
        "holidays": 2027,
        "broadcasts": await _broadcast(agency),
        "notice-templates": "eldercare.desk_test",
        **await _own_things(place, resident),
        "vitals": await eldercare_vitals.reading(resident),
        "vital-thresholds": (await eldercare_vitals.threshold(resident)).id,
        "responsible-clinicians": (await eldercare_vitals.responsible_clinician(place, colleague, agency)).id,
        **await _visits(resident, agency, carer),
        **(care := await _care(resident, family)),
        **await _desk_and_circle(resident, family, await identity.account(place, name="Nephew"), care),
        "safe-zones": (await eldercare_zones.zone(resident)).id,
        "flags": (await eldercare_wellbeing.flag(resident)).id,
        **await _clinic(place, clinic, resident, clinician),
        "home-services": (service := await community_housekeeping.service(place)).id,
        "service-offers": (offer := await community_housekeeping.offer(agency, service)).id,
        "home-order-series": (await community_order_series.series(resident, offer)).id,
        "occurrences": "2026-03-05",
        **await _worker(agency, carer),
        **await access_tourism.things(
            access_tourism.Concerned(place, agency, coordinator, carer, colleague, resident, neighbour)
        ),
        **await access_homes.things(resident),
        **await access_running.things(place, operator, colleague),
        "access": resident.id,
        **await _order(resident, offer, service, carer),
        "health-records": (await telemedicine_records.health_record(resident, telemedicine_records.ALLERGY)).id,
        "prescriptions": (written := await telemedicine_prescriptions.prescription(resident, clinic, clinician)).id,
        "regimen-proposals": (await eldercare_regimen_proposals.proposal(written)).id,
        "renewal-requests": await telemedicine_prescriptions.renewal(written, resident.account_id),
        **await _consultation(
            scene := telemedicine.Scene(place, resident, await _account(resident), clinic, clinician)
        ),
        **await _asked(scene, hospital := await telemedicine_referrals.hospital(scene)),
        "bills": (await telemedicine_settlement.bill(resident, clinic)).id,
        "charges": (owed := await telemedicine_settlement.charge(agency, resident)).id,
        "payments": await telemedicine_settlement.payment(owed, 100),
        **await _money(place, agency, resident, family),
        "transfers": await billing.transfer(agency),
        **await _paid_by_card(agency, resident),
    }
    people |= {
        "responder": await access_people.responder(resident, place, uuid.UUID(str(ids["alarms"]))),
        "former": await access_people.former(resident, place, agency, uuid.UUID(str(ids["visits"]))),
        "asked": hospital.clinician,
    }
    headers |= {name: await sign_in.sign_in(account, second_factor=True) for name, account in people.items()}
    texts = {name: str(value) for name, value in ids.items()}
    sending = upload_url(await _unfinished_upload(place, resident), uuid.UUID(texts["sessions"]))
    links = {
        "getQueueDisplay": f"/v1/queue-displays/{DISPLAY_SECRET}",
        "getMedia": signed_url(uuid.UUID(texts["media"])),
        "getProgressByLink": sending,
        "sendPieceByLink": sending,
    }
    return World(headers, texts, secret, links, people)


async def _account(of: Resident) -> Account:
    async with unit_of_work() as session:
        return await session.get_one(Account, of.account_id)


def _id_in(headers: Headers) -> uuid.UUID:
    """Return the id that a credential of ours carries."""
    return uuid.UUID(headers["Authorization"].split("_")[1])


async def _client_of(key_id: uuid.UUID) -> uuid.UUID:
    async with unit_of_work() as session:
        return (await session.get_one(ApiKey, key_id)).client_id


async def _invitation(of: Community, to: Organization, whom: Account, by: Account) -> tuple[str, uuid.UUID]:
    """Insert an invitation to the agency's staff that was sent to the relative's phone; return its secret and id."""
    secret = new_secret()
    row = StaffInvitation(
        community_id=of.id,
        organization_id=to.id,
        account_id=whom.id,
        role="carer",
        contact=seal(FAMILY_PHONE, CONTACT),
        contact_index=contact_index(FAMILY_PHONE),
        digest=digest(secret),
        secret=seal(secret, SECRET),
        invited_by=by.id,
        expires_at=clock.now() + VALID_FOR,
    )
    async with unit_of_work() as session:
        session.add(row)
    return secret, row.id


async def _broadcast(of: Organization) -> uuid.UUID:
    """Insert an announcement of an organization that is all written."""
    row = Broadcast(
        community_id=of.community_id,
        organization_id=of.id,
        only_served=True,
        audience=[{"kind": "community"}],
        urgency="normal",
        state="done",
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id


async def _unfinished_upload(place: Community, resident: Resident) -> Upload:
    upload = Upload(
        community_id=place.id,
        owner_id=resident.account_id,
        about_id=resident.account_id,
        purpose="document",
        content_type="application/pdf",
        size=len(PDF),
        sha256=bytes(32),
    )
    async with unit_of_work() as session:
        session.add(upload)
    return upload


async def _own_things(place: Community, resident: Resident) -> dict[str, object]:
    """Insert what belongs to the resident as a person: contact, session, phone, second factors, upload, inbox."""
    now, account = clock.now(), await _account(resident)
    point = await identity.contact_point(account, "landline", "+862155550001", ["voice"])
    other_session = await sign_in.session_of(account)
    installation = await notifications.phone(account)
    passkey = Passkey(
        account_id=account.id, credential_id=clock.new_id().bytes, public_key=b"key", sign_count=0, label="Key"
    )
    app = AuthenticatorApp(account_id=account.id, secret=seal("secret", SECRET_OF_APP), confirmed_at=now)
    upload = Upload(
        community_id=place.id,
        owner_id=account.id,
        about_id=account.id,
        purpose="document",
        content_type="application/pdf",
        size=len(PDF),
        received=len(PDF),
        stored_size=len(PDF),
        sha256=bytes(32),
        state=STORED,
    )
    item = {
        "id": clock.new_id(),
        "community_id": place.id,
        "account_id": account.id,
        "about": resident.id,
        "notice_key": "eldercare.desk_test",
        "category": "desk",
        "urgency": "low",
        "variables": {},
        "data": {},
        "sent_at": now,
        "expires_at": now + timedelta(days=1),
    }
    async with unit_of_work() as session:
        session.add_all([passkey, app, upload])
        await session.execute(sa.insert(INBOX), item)
    await storage().finish(upload.id, PDF)
    return {
        "contact-points": point.id,
        "sessions": other_session.id,
        "installations": installation.client_id,
        "unsubscriptions": token(Subscription(account.id, TESTS.key, "mail")),
        "passkeys": passkey.id,
        "uploads": upload.id,
        "media": upload.id,
        "messages": clock.new_id(),
        "calls": clock.new_id(),
        "inbox": item["id"],
        "notices": item["id"],
    }


async def _care(resident: Resident, family: Account) -> dict[str, object]:
    """Insert what is the resident's care: check-ins, a pause, an alarm, a circle, an escalation plan, a desk test, and
    what they take.
    """
    plan = await eldercare_check_ins.plan(resident)
    check_in = (await eldercare_check_ins.check_ins(resident))[0]
    later = clock.now() + timedelta(days=30)
    pause = await eldercare_check_ins.pause(resident, later + timedelta(days=1), starts_at=later)
    alarm = await eldercare_alarms.raised(resident)
    member = await eldercare_alarms.circle_member(resident, family)
    ladder = await eldercare_alarms.plan(resident, [{"target_kind": "duty_desk"}])
    regimen = await eldercare_medication.regimen(resident)
    dose = (await eldercare_medication.doses(resident))[0]
    test = DeskTest(
        community_id=resident.community_id, channels=["push"], sent_at=clock.now(), sent_by=resident.account_id
    )
    async with unit_of_work() as session:
        session.add(test)
    return {
        "check-in-plans": plan.id,
        "check-ins": check_in.id,
        "check-in-pauses": pause.id,
        "alarms": alarm.id,
        "circle": member.id,
        "circles": member.id,
        "escalation-plans": ladder.id,
        "duty-desk-tests": test.id,
        "regimens": regimen.id,
        "doses": dose.id,
    }


async def _visits(resident: Resident, agency: Organization, carer: Account) -> dict[str, object]:
    """Insert a care plan with a visit that recurs, which the carer makes; a door tag, a shift and a proposal."""
    plan = await eldercare_visits.care_plan(resident, agency)
    template = await eldercare_visits.template(plan, carers=2)
    visit = (await eldercare_visits.visits(resident))[0]
    await eldercare_visits.assign(visit.id, carer)
    return {
        "care-plans": plan.id,
        "goals": (await eldercare_visits.goals(resident))[0].id,
        "visit-templates": template.id,
        "visits": visit.id,
        "care-visits": visit.id,
        "carers": carer.id,
        "door-tags": (await eldercare_visits.door_tag(resident))[0],
        "carer-shifts": (await eldercare_visits.shift(agency, carer, later=timedelta(days=40))).id,
        "carer-absences": (await eldercare_visits.absence(agency, carer, later=timedelta(days=60))).id,
        "route-plans": await eldercare_visits.route_plan(agency),
    }


async def _clinic(
    place: Community, organization: Organization, resident: Resident, clinician: Account
) -> dict[str, object]:
    """Insert what the clinic consists of, an appointment of the resident's there, and their place on a waitlist."""
    row = await telemedicine_clinics.clinic(place, organization)
    person = await telemedicine_clinics.practitioner(row, clinician)
    await telemedicine_clinics.hours(person, [2], "09:00", "12:00")
    tomorrow = clock.now().replace(tzinfo=None) + timedelta(days=1)
    away = await telemedicine_clinics.exception(person, "closed", tomorrow, tomorrow + timedelta(hours=1))
    of_type = await telemedicine_clinics.visit_type(row)
    booked = await telemedicine_appointments.appointment(
        resident,
        person,
        of_type,
        clock.now() + timedelta(days=2),
        series_id=clock.new_id(),
        follow_up_at=clock.now() + timedelta(days=9),
    )
    await telemedicine_appointments.visit_note(resident, row, clinician)
    return {
        "appointments": booked.id,
        "appointment-series": booked.series_id,
        "calendars": CALENDAR_SECRET,
        "busy-calendars": await telemedicine_appointments.busy_calendar(person),
        "calendar-feeds": await telemedicine_appointments.calendar_feed(resident, CALENDAR_SECRET),
        "patient-links": await telemedicine_appointments.patient_link(resident, row),
        "queue-tickets": await telemedicine_appointments.queue_ticket(resident, row),
        "queue-displays": await telemedicine_appointments.queue_display(row, DISPLAY_SECRET),
        "waitlist-entries": await telemedicine_appointments.waitlist_entry(resident, of_type),
        "clinics": organization.id,
        "departments": (await telemedicine_clinics.department(row)).id,
        "locations": (await telemedicine_clinics.location(row)).id,
        "practitioners": person.id,
        "bookable-resources": (await telemedicine_clinics.resource(row)).id,
        "visit-types": of_type.id,
        "availability-exceptions": away.id,
    }


async def _worker(agency: Organization, carer: Account) -> dict[str, object]:
    """Insert the carer as somebody who goes to homes for the agency, what they can do, and a day off they entered."""
    row = await community_workers.worker(agency, carer)
    await community_workers.skill(row, "first-aid")
    tomorrow = clock.now().replace(tzinfo=None) + timedelta(days=1)
    off = await community_workers.exception(row, "off", tomorrow, tomorrow + timedelta(days=1))
    return {"workers": row.id, "worker-profiles": row.id, "exceptions": off.id, "skills": "first-aid"}


async def _order(resident: Resident, offer: ServiceOffer, service: HomeService, carer: Account) -> dict[str, object]:
    """Insert help the resident ordered, which the carer is on the way for, and all that can be said of it."""
    row = await community_orders.order(resident, await _account(resident), offer, service)
    async with unit_of_work() as session:
        worker = await session.scalar(sa.select(Worker).where(WORKERS.c.account_id == carer.id))
    assert worker is not None
    await community_orders.on_the_way(row, worker)
    offered = await community_orders.offered(row, carer)
    rating = await community_ratings.rating(row)
    await community_ratings.complaint(row)
    await community_ratings.tip(row)
    return {
        "home-orders": row.id,
        "extra-time": (await community_orders.extra(row, carer)).id,
        "home-order-offers": offered.id,
        "day-plans": await community_orders.day_plan(offer),
        "ratings": rating.id,
        "ratings-to-moderate": rating.id,
    }


async def _consultation(scene: telemedicine.Scene) -> dict[str, object]:
    """Insert a video visit that can be entered, and a guest of it."""
    visit = await telemedicine.consultation(scene)
    guest = Participant(
        community_id=scene.place.id,
        consultation_id=visit.id,
        resident_id=scene.resident.id,
        role="interpreter",
        invited_by=scene.clinician.id,
    )
    elsewhere = await identity.organization(scene.place, "clinic", name="Clinic that is asked along")
    consultant = Participant(
        community_id=scene.place.id,
        consultation_id=visit.id,
        resident_id=scene.resident.id,
        account_id=(await identity.staff(elsewhere, "clinician", name="Asked along")).id,
        role="consultant",
        organization_id=elsewhere.id,
        invited_by=scene.clinician.id,
    )
    async with unit_of_work() as session:
        session.add_all([guest, consultant])
    return {"consultations": visit.id, "guests": guest.id, "invited-clinicians": consultant.id}


async def _asked(scene: telemedicine.Scene, hospital: telemedicine_referrals.Hospital) -> dict[str, object]:
    """Insert a referral of the clinic's to a hospital, and a question it asks there."""
    return {
        "referrals": await telemedicine_referrals.referral(scene, hospital.organization),
        "questions": await telemedicine_referrals.question(scene, hospital.organization),
        "hospitals": hospital.organization.id,
    }


async def _money(place: Community, agency: Organization, resident: Resident, family: Account) -> dict[str, object]:
    """Insert who else pays for the resident, and what was issued to them."""
    programme = await billing_subsidies.programme(place)
    entitlement = await billing_subsidies.entitlement(programme, resident)
    payer = await billing_subsidies.payer(resident, family)
    await billing_subsidies.issuer(agency)
    invoice, payment = await billing_subsidies.invoiced(agency, resident)
    return {
        "subsidy-programmes": programme.id,
        "entitlements": entitlement.id,
        "payers": payer.id,
        "paid-for": payer.id,
        "invoices": invoice.id,
        "payment-receipts": payment.id,
        "platform-charges": invoice.charge_id,
        "platform-payments": payment.id,
        "bill-statements": "2026-03",
        "provider-statements": "2026-03",
    }


async def _paid_by_card(to: Organization, resident: Resident) -> dict[str, object]:
    disputed, authorization = await billing.dispute(to, resident)
    return {
        "disputes": disputed.id,
        "authorizations": authorization.id,
        "payments": authorization.reference_id,
        "payment-methods": authorization.payment_method_id,
    }


async def _desk_and_circle(
    resident: Resident, family: Account, other: Account, care: dict[str, object]
) -> dict[str, object]:
    """Insert what the desk and the circle work with: a hand-over, a shift, a drill; a turn, a message, a proxy."""
    now, later = clock.now(), clock.now() + timedelta(days=3)
    home: dict[str, Any] = {"community_id": resident.community_id, "resident_id": resident.id}
    alarm_id = uuid.UUID(str(care["alarms"]))
    member_id = uuid.UUID(str(care["circle"]))
    giver = await eldercare_alarms.circle_member(resident, other, position=2)
    handover = DeskHandover(
        **home, alarm_id=alarm_id, giver_id=other.id, taker_id=family.id, claimed_at=now, offered_at=now
    )
    shift = DeskShift(
        community_id=resident.community_id,
        account_id=family.id,
        kind="desk",
        starts_at=later,
        ends_at=later + timedelta(hours=8),
        planned_by=family.id,
    )
    drill = Drill(**home, alarm_id=alarm_id, started_by=family.id, started_at=now, finished_at=now)
    absence = RotaAbsence(
        **home, member_id=member_id, account_id=family.id, starts_on=later.date(), ends_on=later.date()
    )
    swap = RotaSwap(
        **home,
        giver_id=giver.id,
        giver_account_id=other.id,
        taker_id=member_id,
        taker_account_id=family.id,
        starts_at=later + timedelta(days=7),
        ends_at=later + timedelta(days=8),
    )
    message = CircleMessage(**home, author_id=family.id)
    proxy = Proxy(
        **home,
        account_id=family.id,
        basis="court_order",
        document_id=clock.new_id(),
        scopes=["profile:read"],
        proposed_by=resident.account_id,
    )
    async with unit_of_work() as session:
        session.add_all([handover, shift, drill, absence, swap, message, proxy])
    return {
        "handovers": handover.id,
        "shifts": shift.id,
        "drills": drill.id,
        "absences": absence.id,
        "swaps": swap.id,
        "circle-messages": message.id,
        "proxies": proxy.id,
        "second-members": giver.id,
    }


def _plan(_: World) -> dict[str, Any]:
    return {"times": ["09:30"], "starts_on": "2026-03-02"}


def _visit_template(_: World) -> dict[str, Any]:
    return {"begins": "10:00", "duration": "PT30M", "starts_on": "2026-03-02"}


def _steps(_: World) -> dict[str, Any]:
    return {"steps": [{"target_kind": "duty_desk"}]}


def _confirmation(_: World) -> dict[str, Any]:
    return {name: eldercare_medication.SAID[name] for name in ("quantity", "unit", "timing", "times", "starts_on")}


def _regimen(_: World) -> dict[str, Any]:
    return eldercare_medication.SAID | {"drug": {"name": "Ramipril"}}


def _state(_: World) -> dict[str, Any]:
    return {"state": "paused"}


def _meals(_: World) -> dict[str, Any]:
    return {"breakfast": "08:00", "lunch": "12:30", "dinner": "18:30"}


def _stock(_: World) -> dict[str, Any]:
    return {"on_hand": 30}


def _refill(_: World) -> dict[str, Any]:
    return {"quantity": 30}


def _point(_: World) -> dict[str, Any]:
    return {"kind": "mobile", "value": "+8613800000888"}


def _grant(world: World) -> dict[str, Any]:
    return {"account_id": world.ids["accounts"], "scopes": ["alarms:read"]}


def _invite(_: World) -> dict[str, Any]:
    return {"phone": "+8613800000999", "name": "Friend", "relationship": "friend", "scopes": ["alarms:read"]}


def _proxy(world: World) -> dict[str, Any]:
    """Propose somebody else, with a scope that nobody has: who may propose is told that it is none."""
    return {
        "account_id": world.ids["accounts"],
        "basis": "court_order",
        "document_id": world.ids["uploads"],
        "scopes": ["everything"],
    }


def _everybody(_: World) -> dict[str, Any]:
    return {"audience": [{"kind": "community"}]}


def _announcement(world: World) -> dict[str, Any]:
    return _everybody(world) | {"texts": [{"language": "en", "title": "Water", "body": "None on Monday"}]}


def _nothing(_: World) -> dict[str, Any]:
    return {}


def _readings(_: World) -> dict[str, Any]:
    return {"readings": [eldercare_vitals.given()]}


def _positions(_: World) -> dict[str, Any]:
    return {"positions": [eldercare_zones.fix()]}


def _zone(_: World) -> dict[str, Any]:
    return eldercare_zones.agreed()


def _zone_pause(_: World) -> dict[str, Any]:
    return {"until": "2026-03-05T08:00:00Z"}


def _practitioner(_: World) -> dict[str, Any]:
    return {"name": "Dr Lin", "licence_number": "L-1", "licence_valid_until": "2030-12-31", "languages": ["en"]}


def _department(_: World) -> dict[str, Any]:
    return {"name": telemedicine_clinics.NAME}


def _location(_: World) -> dict[str, Any]:
    place = {"address": "2 Lake Road", "latitude": 31.2, "longitude": 121.5, "time_zone": "Asia/Shanghai"}
    return place | {"name": telemedicine_clinics.NAME}


def _visit_type(_: World) -> dict[str, Any]:
    price = {"amount": 5000, "currency": "CNY"}
    return {"name": telemedicine_clinics.NAME, "mode": "video", "duration": "PT20M", "price": price}


def _slot(world: World) -> dict[str, Any]:
    whom = {"visit_type_id": world.ids["visit-types"], "practitioner_id": world.ids["practitioners"]}
    return whom | {"resident_id": world.ids["residents"]}


def _number(_: World) -> dict[str, Any]:
    return {"system": "https://lake-clinic.example/patients", "value": "P-2"}


def _hours(_: World) -> dict[str, Any]:
    return {"hours": [{"weekday": 1, "starts": "09:00", "ends": "12:00"}]}


def body_of(operation_id: str, world: World) -> dict[str, Any]:
    """Return what is sent with an operation that takes a body."""
    return BODIES.get(operation_id, _nothing)(world)


def _home_order(world: World) -> dict[str, Any]:
    when = {"starts_local": "2026-03-08T09:00:00", "payment_method": "provider"}
    return when | {"offer_id": world.ids["service-offers"], "offer_version": 1, "total": 12_500}


def _home_order_quote(world: World) -> dict[str, Any]:
    return {"offer_id": world.ids["service-offers"], "starts_at": "2026-03-08T01:00:00Z"}


def _visit_note(_: World) -> dict[str, Any]:
    return {"content": {"plan": "Rest"}}


def _draft(_: World) -> dict[str, Any]:
    return {"content": telemedicine_prescriptions.AMOXICILLIN}


def _referral(world: World) -> dict[str, Any]:
    return {"content": telemedicine_referrals.WHY, "to_organization_id": world.ids["hospitals"]}


def _said(_: World) -> dict[str, Any]:
    return {"reason": "Full"}


def _words(_: World) -> dict[str, Any]:
    return {"text": "Half of it"}


def _question(world: World) -> dict[str, Any]:
    return {"specialty": telemedicine_referrals.HEART, "to_organization_id": world.ids["hospitals"], "text": "?"}


def _lines(_: World) -> dict[str, Any]:
    return {"lines": [{"code": "visit"}]}


def _time_of_visit(world: World) -> dict[str, Any]:
    return {
        "practitioner_id": world.ids["practitioners"],
        "visit_type_id": world.ids["visit-types"],
        "starts_at": "2026-03-03T01:00:00Z",
    }


def _health_record(_: World) -> dict[str, Any]:
    return {"content": telemedicine_records.ALLERGY}


def _payer(world: World) -> dict[str, Any]:
    return {"account_id": world.ids["accounts"]}


BODIES: Final[dict[str, Callable[[World], dict[str, Any]]]] = {
    **access_homes.BODIES,
    **access_tourism.BODIES,
    "answerPaidFor": lambda _: {"accept": True},
    "inviteMyPayer": _payer,
    "inviteResidentPayer": _payer,
    "grantSubsidyEntitlement": lambda world: {"resident_id": world.ids["residents"], "valid_from": "2026-03-01"},
    "recordPlatformPayment": lambda _: {"kind": "sponsor", "amount": 100, "currency": "CNY", "reference": "S-2"},
    "refundPlatformPayment": lambda _: {"amount": 100, "reason": "Twice"},
    "setSubsidyProgramme": lambda _: {
        "name": {"en": "Voucher", "zh-CN": "养老券"},
        "categories": ["cleaning"],
        "rate": 5_000,
        "budget_amount": 2_000_000,
        "valid_from": "2026-01-01",
    },
    "setPayoutTerms": lambda _: {"cadence": "weekly", "day": 1, "minimum_amount": 1, "hold_days": 0},
    "setPlatformFee": lambda _: {"rate": 500},
    "recordSubsidySettlement": lambda _: {"month": "2026-03-01", "amount": 1, "reference": "T-1"},
    "setInvoiceIssuer": lambda _: {"name": "Agency", "address": "12 Elm Road"},
    "addServiceOffer": lambda world: community_housekeeping.HOURLY | {"service_id": world.ids["home-services"]},
    "quoteServiceOffer": lambda _: community_housekeeping.SUNDAY,
    "createHomeOrder": _home_order,
    "cancelHomeOrder": lambda _: {"reason": "other"},
    "answerHomeOrderExtraTime": lambda _: {"is_approved": False},
    "dispatchHomeOrder": lambda _: {"mode": "offer"},
    "proposeDayPlan": lambda _: {"date": "2026-03-03"},
    "assignHomeOrder": lambda world: {"worker_id": world.ids["accounts"]},
    "unassignHomeOrder": lambda _: {"reason": "other"},
    "confirmHomeOrderStart": lambda _: {"reason": "She says he is there"},
    "reportHomeOrderPosition": lambda _: {"latitude": 31.2, "longitude": 121.4, "accuracy": 10},
    "startHomeOrder": lambda _: {"code": "123456"},
    "reportHomeOrderNoAccess": lambda _: {"note": "Rang three times"},
    "askHomeOrderExtraTime": lambda _: {"duration": "PT30M"},
    "addHomeOrderNote": lambda _: {"text": "All well"},
    "addHomeOrderPhoto": lambda world: {"upload_id": world.ids["uploads"]},
    "finishHomeOrder": lambda _: {"undone_reason": "No water"},
    "previewHomeOrderSeries": lambda world: community_order_series.WISH | {"offer_id": world.ids["service-offers"]},
    "createHomeOrderSeries": lambda world: community_order_series.agreed(world.ids["service-offers"]),
    "changeHomeOrderSeries": lambda world: (
        community_order_series.agreed(world.ids["service-offers"]) | {"scope": "all"}
    ),
    "agreeToHomeOrderSeries": lambda _: {"offer_version": 1, "totals": community_order_series.TOTALS},
    "enterCard": lambda _: {"client_secret": "seti_1_secret_local", "last4": "4242"},
    "giveProof": lambda _: {"client_secret": "pi_1_secret_local"},
    "setHomeOrderSeriesDay": lambda _: {"is_skipped": True},
    "pauseHomeOrderSeries": lambda _: {"since": "2026-03-02T08:00:00Z"},
    "rateHomeOrder": lambda _: {"stars": 5},
    "setHomeOrderRating": lambda _: {"stars": 5},
    "moderateRating": lambda _: {"is_approved": True},
    "answerRating": lambda _: {"text": "Thank you"},
    "tipHomeOrder": lambda _: {"amount": 100, "method": "cash"},
    "openHomeOrderComplaint": lambda _: {
        "kind": "late",
        "severity": "minor",
        "wish": "refund",
        "statement": "An hour late",
    },
    "answerHomeOrderComplaint": lambda _: {"statement": "There was snow"},
    "addHomeOrderComplaintEvidence": lambda _: {"statement": "There was none"},
    "decideHomeOrderComplaint": lambda _: {"outcome": "rejected", "reason": "There was"},
    "addWorker": lambda world: community_workers.PROFILE | {"account_id": world.ids["accounts"]},
    "setWorker": lambda _: community_workers.PROFILE,
    "setWorkerHours": lambda _: {"hours": []},
    "suspendWorker": lambda _: {"reason": "A complaint is looked into"},
    "addWorkerException": lambda _: community_workers.OFF | {"kind": "off"},
    "addMyWorkerException": lambda _: community_workers.OFF,
    "setWorkerSkill": lambda _: {"certificate_number": "FA-1"},
    "setHomeService": lambda _: community_housekeeping.CLEANING,
    "setServiceOffer": lambda _: community_housekeeping.HOURLY,
    "acceptInvitation": lambda world: {"secret": world.secret},
    "answerQuestion": _words,
    "askQuestion": _question,
    "bookReferral": _time_of_visit,
    "concludeReferral": lambda _: {"title": "Letter", "text": "All is well"},
    "createReferral": _referral,
    "declineReferral": _said,
    "followUpQuestion": _words,
    "redirectReferral": lambda world: _said(world) | {"to_organization_id": world.ids["hospitals"]},
    "returnReferral": lambda _: {"content": telemedicine_referrals.WHY},
    "setReferralTerms": lambda _: {"terms": []},
    "acknowledgeAlarm": lambda _: {},
    "beginViewing": lambda _: {"reason": "They asked where their rota is"},
    "addBusyCalendar": lambda _: {"url": "https://calendar.example.org/basic.ics"},
    "addHomeService": lambda _: community_housekeeping.CLEANING | {"code": "cleaning"},
    "addMyBusyCalendar": lambda _: {"url": "https://calendar.example.org/basic.ics"},
    "addCarerAbsence": lambda world: {
        "account_id": world.ids["carers"],
        "starts_at": "2026-03-02T08:00:00Z",
        "ends_at": "2026-03-05T00:00:00Z",
    },
    "addCarerShift": lambda world: {
        "account_id": world.ids["carers"],
        "starts_at": "2026-05-02T08:00:00Z",
        "ends_at": "2026-05-02T16:00:00Z",
    },
    "addConsultationAddendum": lambda _: {"text": "All well"},
    "answerAppointment": lambda _: {"answer": "accepted"},
    "inviteConsultationClinician": lambda world: {
        "organization_id": world.ids["hospitals"],
        "clinician_id": world.ids["consultations"],
    },
    "inviteConsultationGuest": lambda _: {"role": "family", "name": "Nora"},
    "creditBill": lambda _: {"reason": "Somebody else's"},
    "draftBill": lambda world: _lines(world) | {"origin_kind": "appointment", "origin_id": world.ids["appointments"]},
    "linkPatient": lambda world: _number(world) | {"code": "000 000 000"},
    "linkCheckedPatient": lambda world: (
        _number(world) | {"resident_id": world.ids["residents"], "evidence": ["passport"]}
    ),
    "openConsultation": lambda _: {"starts_at": "2026-03-05T08:00:00Z", "ends_at": "2026-03-05T08:30:00Z"},
    "addVisitNote": lambda _: {"text": "All well"},
    "addVisitPhoto": lambda _: {"upload_id": str(clock.new_id())},
    "arriveAtVisit": lambda _: {"proof": {"how": "manual", "reason": "The tag is gone"}},
    "assignCarer": lambda world: {"account_id": world.ids["accounts"]},
    "changeCarePlan": lambda _: {"title": "At home"},
    "changeVisitTemplate": _visit_template,
    "changeGoal": lambda _: {"description": "Walks to the park"},
    "createGoal": lambda world: {"care_plan_id": world.ids["care-plans"], "description": "Walks to the park"},
    "setGoalStatus": lambda _: {"lifecycle_status": "on-hold"},
    "judgeGoal": lambda _: {"achievement_status": "improving"},
    "completeCareVisit": lambda _: {"ended_at": "2026-03-02T08:00:00Z", "reason": "Forgot to check out"},
    "createCarePlan": lambda world: {"organization_id": world.ids["organizations"], "title": "At home"},
    "createCareVisit": lambda world: {
        "care_plan_id": world.ids["care-plans"],
        "starts_at": "2026-03-05T08:00:00Z",
        "duration": "PT30M",
    },
    "createDoorTag": lambda _: {"kind": "tag"},
    "createVisitTemplate": lambda world: _visit_template(world) | {"care_plan_id": world.ids["care-plans"]},
    "leaveVisit": lambda _: {"proof": {"how": "manual", "reason": "The tag is gone"}},
    "moveCareVisit": lambda _: {"starts_at": "2026-03-05T08:00:00Z"},
    "proposeRoutePlan": lambda _: {"date": "2026-03-03"},
    "tickTask": lambda _: {"task_id": str(clock.new_id())},
    "recordVisitDose": lambda _: {"status": "taken"},
    "addCircleAbsence": lambda _: {"starts_on": "2026-04-01", "ends_on": "2026-04-02"},
    "addAgreement": lambda _: {"scopes": ["profile:read"], "basis": "contract"},
    "addAlarmSignal": lambda _: {"kind": "smoke"},
    "addInvitation": lambda _: {"name": "Friend", "role": "carer", "phone": "+8613800000999"},
    "addMyContactPoint": _point,
    "addMyGrant": _grant,
    "addOrganization": lambda _: {"kind": "clinic", "name": "Clinic"},
    "addResidentContactPoint": _point,
    "addResidentGrant": _grant,
    "answerMyCheckIn": lambda _: {"status": "ok"},
    "answerResidentCheckIn": lambda _: {"status": "ok", "how": "saw"},
    "changeAgreement": lambda _: {"basis": "another contract"},
    "changeCommunity": lambda _: {"name": "Lakeside"},
    "changeMyAccount": lambda _: {"language": "zh-CN"},
    "changeMyCheckInPlan": _plan,
    "changeMyCircleMember": lambda _: {"has_key": True},
    "changeMyContactPoint": lambda _: {"position": 3},
    "changeMyGrant": lambda _: {"scopes": ["alarms:read"]},
    "changeMySafeZone": _zone,
    "changeMyProfile": lambda _: {"emergency_notes": "Deaf in the left ear"},
    "changeMyRegimen": _regimen,
    "changeOrganization": lambda _: {"name": "Agency"},
    "changeResidentCheckInPlan": _plan,
    "changeResidentCircleMember": lambda _: {"has_key": True},
    "changeResidentContactPoint": lambda _: {"position": 3},
    "changeResidentGrant": lambda _: {"scopes": ["alarms:read"]},
    "changeResidentSafeZone": _zone,
    "changeResidentProfile": lambda _: {"emergency_notes": "Deaf in the left ear"},
    "changeResidentRegimen": _regimen,
    "checkProxy": lambda _: {"decision": "refuse"},
    "closeResidence": lambda _: {"reason": "moved_out", "date": "2026-03-01"},
    "createApiClient": lambda _: {"name": "Gateway", "scopes": ["profile:read"]},
    "createMyCheckInPause": lambda _: {"kind": "away", "ends_at": "2026-03-05T08:00:00Z"},
    "createMyCheckInPlan": _plan,
    "createMyRegimen": _regimen,
    "createMySafeZone": _zone,
    "createResidentSafeZone": _zone,
    "createSmartClient": lambda _: {"name": "App", "scopes": ["profile:read"], "redirect_uris": ["https://a.example/"]},
    "pauseMySafeZone": _zone_pause,
    "pauseResidentSafeZone": _zone_pause,
    "recordMyPositions": _positions,
    "recordResidentPositions": _positions,
    "createWebhookEndpoint": lambda _: {"url": "https://8.8.8.8/hook", "event_types": ["alarm.raised"]},
    "createResident": lambda _: {"name": "Rosa"},
    "createResidentCheckInPause": lambda _: {"kind": "away", "ends_at": "2026-03-05T08:00:00Z"},
    "createResidentCheckInPlan": _plan,
    "createResidentRegimen": _regimen,
    "confirmMyRegimenProposal": _confirmation,
    "confirmResidentRegimenProposal": _confirmation,
    "rejectMyRegimenProposal": lambda _: {"reason": "She takes it already"},
    "rejectResidentRegimenProposal": lambda _: {"reason": "She takes it already"},
    "correctMyVital": lambda _: {"reason": "a typing error"},
    "correctResidentVital": lambda _: {"reason": "a typing error"},
    "inviteMyCircleMember": _invite,
    "inviteResidentCircleMember": _invite,
    "makeDefaultEscalationPlan": _steps,
    "makeMyEscalationPlan": _steps,
    "makeResidentEscalationPlan": _steps,
    "markMyInboxRead": lambda world: {"up_to": world.ids["inbox"]},
    "offerCircleSwap": lambda world: {
        "taker_id": world.ids["second-members"],
        "starts_at": "2026-04-01T00:00:00Z",
        "ends_at": "2026-04-02T00:00:00Z",
    },
    "orderMyCircle": lambda world: {"member_ids": [world.ids["circle"]]},
    "orderResidentCircle": lambda world: {"member_ids": [world.ids["circle"]]},
    "previewBroadcast": _everybody,
    "proposeMyProxy": _proxy,
    "proposeResidentProxy": _proxy,
    "nameResponsibleClinician": lambda world: {
        "account_id": world.ids["accounts"],
        "organization_id": world.ids["organizations"],
    },
    "raiseResidentAlarm": lambda _: {"kind": "fall"},
    "recordMyAsNeededDose": lambda _: {},
    "recordMyDose": lambda _: {"status": "taken"},
    "recordMyVitals": _readings,
    "recordResidentVitals": _readings,
    "recordMyReceipts": lambda world: {"receipts": [{"notice_id": world.ids["notices"], "kind": "opened"}]},
    "recordMyRefill": _refill,
    "recordResidentAsNeededDose": lambda _: {"how": "gave"},
    "recordResidentDose": lambda _: {"status": "taken", "how": "gave"},
    "recordResidentRefill": _refill,
    "registerMyInstallation": lambda _: {"platform": "web", "app_version": "1.0.0", "language": "en"},
    "replayWebhookDeliveries": lambda _: {"since": "2026-03-01T00:00:00Z"},
    "setOxygenScale": lambda _: {"scale": 2},
    "setVitalThreshold": lambda _: {"code": "8867-4", "high": 120},
    "resolveAlarm": lambda _: {"outcome": "helped"},
    "setCircleHours": lambda _: {"on_call": [{"weekday": 0, "start": "08:00", "end": "20:00"}]},
    "setMyNotificationPreferences": lambda _: {},
    "setHolidays": lambda _: {"days": []},
    "setMyMealTimes": _meals,
    "setMyMedicationStock": _stock,
    "setMyRegimenState": _state,
    "setResidentMealTimes": _meals,
    "setResidentMedicationStock": _stock,
    "setResidentRegimenState": _state,
    "startDrill": lambda world: {"resident_id": world.ids["residents"]},
    "startBroadcast": _announcement,
    "createAppointment": lambda world: _slot(world) | {"starts_at": "2026-03-03T01:00:00Z"},
    "createAppointmentSeries": lambda world: (
        _slot(world) | {"starts": ["2026-03-03T01:00:00Z", "2026-03-10T01:00:00Z"]}
    ),
    "joinWaitlist": lambda world: {"visit_type_id": world.ids["visit-types"], "resident_id": world.ids["residents"]},
    "moveAppointment": lambda _: {"starts_at": "2026-03-03T01:00:00Z"},
    "previewAppointmentSeries": lambda world: _slot(world) | {"starts_at": "2026-03-03T01:00:00Z", "count": 2},
    "recordAppointmentOutcome": lambda _: {"status": "arrived"},
    "callQueueTicket": lambda _: {"again": True},
    "createQueueDisplay": lambda _: {"name": "Hall"},
    "quoteHomeOrder": _home_order_quote,
    "signVisitNote": _visit_note,
    "writeVisitNote": _visit_note,
    "closeQueueTicket": lambda _: {"state": "done"},
    "takeQueueTicket": lambda world: {"resident_id": world.ids["residents"]},
    "tellPractitionerDelay": lambda _: {"late_by": "PT20M"},
    "addAvailabilityException": lambda _: {
        "kind": "closed",
        "starts": "2026-03-05T00:00:00",
        "ends": "2026-03-06T00:00:00",
    },
    "addBookableResource": lambda _: {"kind": "room", "name": "Room 2"},
    "addDepartment": _department,
    "addLocation": _location,
    "addPractitioner": _practitioner,
    "addVisitType": _visit_type,
    "setChargeItem": lambda _: {"code": "visit", "name": {"en": "Visit", "zh-CN": "就诊"}, "amount": 100},
    "setBookableResource": lambda _: {"name": "Room 3"},
    "setClinic": lambda _: {"time_zone": "Asia/Shanghai"},
    "setDepartment": _department,
    "setLocation": _location,
    "setPractitioner": _practitioner,
    "setPractitionerAvailability": _hours,
    "setResourceAvailability": _hours,
    "setVisitType": _visit_type,
    "answerRenewal": lambda _: {"granted": True},
    "draftPrescription": _draft,
    "putBillingTerms": lambda _: {"city": "shanghai", "tier": "community", "currency": "CNY"},
    "redraftBill": _lines,
    "redraftPrescription": _draft,
    "signPrescription": lambda _: {},
    "stopPrescription": lambda _: {"reason": "Not needed"},
    "requestMyRenewal": lambda _: {},
    "requestResidentRenewal": lambda _: {},
    "createMyHealthRecord": _health_record,
    "createResidentHealthRecord": _health_record,
    "correctMyHealthRecord": _health_record,
    "correctResidentHealthRecord": _health_record,
    "withdrawMyHealthRecord": lambda _: {"reason": "Somebody else's"},
    "withdrawResidentHealthRecord": lambda _: {"reason": "Somebody else's"},
    "replaceSmartClient": lambda _: {},
    "writeDeskScript": lambda _: {"kind": "fall", "language": "en", "replaces": 0, "asks": [], "does": ["Call"]},
    "writeMyCircleMessage": lambda _: {"text": "Good morning"},
    "writeResidentCircleMessage": lambda _: {"text": "Good morning"},
}
"""Valid bodies, where something is decided behind them; everywhere else an empty one gets past the guards."""

QUERIES: Final = {
    "listParkedItems": "?kind=event",
    "getTicketSales": "?first_day=2026-03-01&last_day=2026-03-02",
    "listGateScans": "?day=2026-03-02",
    "listOpeningDays": "?from=2026-03-02&to=2026-03-03",
    "listHolidays": "?from=2026-01-01&to=2026-12-31",
    "listCheckInsOfDay": "?date=2026-03-02",
    "listAgencyVisits": "?date=2026-03-02",
    "listCarerAbsences": "?date=2026-03-02",
    "listCarerShifts": "?date=2026-03-02",
    "getMyTimelineRecord": "?from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z",
    "getResidentTimelineRecord": "?from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z",
    "printMyTimelineRecord": "?from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z",
    "printResidentTimelineRecord": "?from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z",
    "getTimesheet": "?from=2026-03-02&to=2026-03-02",
    "previewNoticeTemplate": "?channel=push",
    "getMyVitalSeries": "?code=8867-4",
    "getMyVitalTrend": "?code=8867-4",
    "getResidentVitalSeries": "?code=8867-4",
    "getResidentVitalTrend": "?code=8867-4",
    "getMyWellbeingTrend": "?measure=mood",
    "getResidentWellbeingTrend": "?measure=mood",
    "getResponseTimes": "?from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z",
    "listDeskScriptVersions": "?kind=fall",
    "listFalseAlarms": "?from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z",
    "listFalseAlarmTotals": "?from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z",
    "listResponseTimesByMonth": "?from=2026-02-01&to=2026-02-28",
}
