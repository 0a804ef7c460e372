"""Booking an appointment and its escort as one, and what becomes of one when the other changes."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.access import Actor
from app.core.paging import PageRequest
from app.core.problems import FieldError, Malformed, Problem
from app.dispatch.api import Place
from app.identity.api import ResidentSubject, homes
from app.policies.journeys.escorts import notices, rules
from app.policies.journeys.escorts.models import Escort
from app.policies.journeys.escorts.problems import EscortTooShort, NotAnEscort, NotInPerson
from app.policies.journeys.escorts.schemas import EscortedAppointment, EscortedAppointmentCreate
from community import api as community
from notifications.api import Notice, send
from telemedicine import api as telemedicine

_MINUTE: Final = timedelta(minutes=1)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))


async def book(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, data: EscortedAppointmentCreate
) -> EscortedAppointment:
    """Book an appointment at a clinic and order who brings the resident there and back, in one unit of work.

    What refuses either refuses both: ``refused`` of the problem says which. Raises what booking and ordering raise,
    ``NotInPerson``, ``NotAnEscort``, ``EscortTooShort``, ``Malformed`` where it is too late to be fetched.
    """
    connection = await session.connection()
    with refusing("escort"):
        subject = await community.require_orderer(connection, actor, resident_id)
    with refusing("appointment"):
        booked = await telemedicine.book_appointment(
            session,
            actor,
            resident_id=resident_id,
            practitioner_id=data.practitioner_id,
            visit_type_id=data.visit_type_id,
            starts_at=data.starts_at,
            confirmed=True,
        )
        if booked.mode != "in_person" or booked.location_id is None:
            raise NotInPerson(appointment_mode=booked.mode)
    with refusing("escort"):
        home = (await homes(connection, [resident_id]))[resident_id]
        if home.latitude is None or home.longitude is None:
            raise community.HomeNotOnMap
        clinic = await _place_of(connection, actor, booked.location_id)
        one_way = rules.way(Place(home.latitude, home.longitude), clinic)
        order = await order_escort(
            session, actor, subject, data.escort, rules.outing(booked.starts_at, booked.ends_at, one_way)
        )
    escort = Escort(
        community_id=subject.community_id,
        resident_id=resident_id,
        appointment_id=booked.id,
        order_id=order.id,
        ordered_by=actor.id,
        way_minutes=one_way // _MINUTE,
        back_at=order.ends_at,
    )
    session.add(escort)
    await session.flush()
    return EscortedAppointment(appointment=booked, escort=order, way_minutes=escort.way_minutes)


async def order_escort(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    terms: community.OrderTerms,
    outing: rules.Outing,
) -> community.OrderDetail:
    """Order who is with a resident for all of an outing.

    Raises what ordering raises, ``NotAnEscort``, ``EscortTooShort``, ``Malformed`` where it is too late to be fetched.
    """
    connection = await session.connection()
    offered = await community.offer_terms(connection, actor, terms.offer_id)
    if offered.category != "escort":
        raise NotAnEscort
    if outing.starts_at <= clock.now():
        raise Malformed(errors=[FieldError("/body/starts_at", "too near for anybody to be fetched", "too_near")])
    duration = rules.lasting(outing.lasts, offered.shortest, offered.longest, offered.step)
    if duration is None:
        raise EscortTooShort(needed=f"PT{outing.lasts // _MINUTE}M")
    wanted = community.OrderCreate(
        **terms.model_dump(),
        starts_at=outing.starts_at,
        duration=duration if offered.unit == "hour" else None,
    )
    placed = await community.place_order(session, actor, subject, wanted)
    return await community.order_for(connection, actor, await community.require_order(connection, actor, placed.row.id))


@contextmanager
def refusing(what: Literal["appointment", "escort", "trip", "companion"]) -> Iterator[None]:
    """Say of a refusal which of the two that are booked as one is refused."""
    try:
        yield
    except Problem as refusal:
        refusal.extensions["refused"] = what
        raise


async def _place_of(connection: AsyncConnection, actor: Actor, location_id: uuid.UUID) -> Place:
    query = telemedicine.DirectoryQuery(ids=[location_id])
    (location,) = (await telemedicine.locations(connection, actor, query, PageRequest(1, None))).items
    return Place(location.latitude, location.longitude)


async def follow_appointments(session: AsyncSession, appointment_ids: Sequence[uuid.UUID]) -> None:
    """Call off the escorts of appointments that are off or at another time, as they stand now.

    It costs nothing as long as the notice is kept; later whoever ordered it decides.
    """
    for escort in await _open(session, col(Escort.appointment_id), appointment_ids):
        connection = await session.connection()
        (appointment,) = await telemedicine.appointments_known(connection, [escort.appointment_id])
        outing = rules.outing(appointment.starts_at, appointment.ends_at, escort.way_minutes * _MINUTE)
        ordered = await community.order_times(connection, escort.order_id)
        if appointment.status != "cancelled" and outing.is_within(*ordered):
            continue
        told = await community.waiting_for(session, escort.order_id)
        outcome = await community.call_off_in_time(session, escort.order_id, "appointment")
        if outcome == "too_late":
            await _tell(session, notices.TO_DECIDE, escort, told, f"decide:{appointment.sequence}", appointment)
            continue
        escort.ended_at = clock.now()
        if outcome == "called_off":
            await _tell(session, notices.CALLED_OFF, escort, told, "called_off", appointment)
    await session.flush()


async def follow_orders(session: AsyncSession, order_ids: Sequence[uuid.UUID]) -> None:
    """Tell of escorts that nobody makes any more: the appointment stands, and whoever ordered it decides."""
    for escort in await _open(session, col(Escort.order_id), order_ids):
        escort.ended_at = clock.now()
        (appointment,) = await telemedicine.appointments_known(await session.connection(), [escort.appointment_id])
        if appointment.status in ("booked", "pending", "proposed") and appointment.starts_at > clock.now():
            told = await community.waiting_for(session, escort.order_id)
            await _tell(session, notices.GONE, escort, told, "gone", appointment)
    await session.flush()


async def _open(
    session: AsyncSession, column: sa.SQLColumnExpression[uuid.UUID], ids: Sequence[uuid.UUID]
) -> list[Escort]:
    statement = (
        sa.select(Escort)
        .where(column == sa.any_(_IDS), col(Escort.ended_at).is_(None))
        .order_by(col(Escort.id))
        .with_for_update()
    )
    return list(await session.scalars(statement, {"ids": list(ids)}))


async def _tell(
    session: AsyncSession,
    notice: Notice,
    escort: Escort,
    told: Sequence[uuid.UUID],
    occasion: str,
    appointment: telemedicine.AppointmentPublic,
) -> None:
    await send(
        session,
        notice,
        told,
        community_id=escort.community_id,
        dedupe_key=f"escort:{escort.id}:{occasion}",
        variables={"resident": escort.resident_id, "starts_at": appointment.starts_at},
        about=escort.resident_id,
        data={"order_id": str(escort.order_id), "appointment_id": str(escort.appointment_id)},
    )
