"""The limit of booking over HTTP: a bare Starlette application over asyncpg that runs the same SQL and nothing else.

It counts, locks, takes, writes and commits as ours does, with our very statements. Who may book, whether the time is
one of the practitioner's hours and what else is free it does not ask. Its slots are those of one clinic on UTC's clock.
"""

import os
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import assembly
from app.core import audit, clock, events
from app.core.access import Actor
from app.core.paging import PageRequest
from app.core.statements import HotStatement
from app.identity.communities import views as communities
from app.reservations import repository as kernel
from app.reservations import resource_repository
from app.reservations import views as calendars
from benchmarks import clinics, population
from notifications.delivery import repository as deliveries
from notifications.delivery import service as sending
from telemedicine.appointments import notices, repository, rules
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.appointments.views import appointments as shown_views
from telemedicine.appointments.views import entries
from telemedicine.clinics.views import offers, schedules

_TYPE: Final[dict[str, Any]] = {
    "community_id": population.COMMUNITY,
    "visit_type_id": clinics.VISIT_TYPE,
    "mode": None,
    "works_for": [],
}
_APPOINTMENTS: Final = entries._found(of_one=True, of_answered=False, descending=False)


async def _run(connection: Any, statement: Any, binds: Mapping[str, Any]) -> list[asyncpg.Record]:
    if isinstance(statement, events.EmittingStatement):
        own = events._many_binds(statement._event, critical=False)
        statement, binds = statement._statement, {**binds, **own}
    if not isinstance(statement, HotStatement):
        raise TypeError("no statement of a hot path")
    rows: list[asyncpg.Record] = await connection.fetch(statement.sql, *statement.values(binds))
    return rows


def _actor(number: int) -> Actor:
    return Actor(
        kind="account",
        id=population.identifier(1, number),
        community_id=population.COMMUNITY,
        resident_id=population.identifier(2, number),
    )


def _answer(row: asyncpg.Record) -> Response:
    shown = {name: row[name] for name in ("id", "status", "starts_at", "ends_at", "practitioner", "version")}
    return Response(orjson.dumps(shown, default=str), media_type="application/json")


def _appointment(actor: Actor, practitioner: uuid.UUID, at: datetime, now: datetime) -> dict[str, Any]:
    values = dict.fromkeys(column.name for column in APPOINTMENTS.c)
    return values | {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "community_id": population.COMMUNITY,
        "organization_id": clinics.CLINIC,
        "resident_id": actor.resident_id,
        "account_id": actor.id,
        "practitioner_id": practitioner,
        "visit_type_id": clinics.VISIT_TYPE,
        "mode": "phone",
        "status": "pending",
        "starts_at": at,
        "ends_at": at + clinics.DURATION,
        "time_zone": "UTC",
        "sequence": 0,
        "booked_by": actor.id,
        "hold_until": now + rules.HOLD,
        "price_amount": 5000,
        "price_currency": "EUR",
        "notice_period": timedelta(),
        "late_fee_amount": 0,
        "fee_amount": 0,
        "was_booked": False,
    }


async def hold(request: Request) -> Response:
    """Hold a slot: locked, counted, taken with the patient's time, written with history, fact and record."""
    body = orjson.loads(await request.body())
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        shown = await _held(connection, body, datetime.now(UTC))
    return _answer(shown) if shown else Response(status_code=409)


async def book(request: Request) -> Response:
    """Hold a slot and book it, in one transaction."""
    body, now = orjson.loads(await request.body()), datetime.now(UTC)
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        held = await _held(connection, body, now)
        if held is None:
            return Response(status_code=409)
        shown = await _confirmed(connection, _actor(body["resident"]), held["id"], now)
    return _answer(shown)


async def _held(connection: Any, body: Mapping[str, Any], now: datetime) -> asyncpg.Record | None:
    actor, at = _actor(body["resident"]), datetime.fromisoformat(body["starts_at"])
    row = _appointment(actor, clinics.practitioner(body["practitioner"]), at, now)
    mine = {name: row[name] for name in ("resident_id", "organization_id")}
    whose = f"telemedicine.appointments:{actor.resident_id}:{clinics.CLINIC}"
    await _run(connection, repository._ALONE, {"whose": whose})
    await _run(connection, repository._COUNTS, mine | {"now": now})
    shape = {"lanes": 1, "buffer_before": timedelta(), "buffer_after": timedelta(), "is_blockable": False}
    calendar = shape | {name: row[name] for name in ("created_at", "updated_at", "version", "community_id")}
    calendar |= {"id": clock.new_id(), "kind": "patient", "subject_id": actor.resident_id, "account_id": actor.id}
    given = {f"given_{name}": value for name, value in calendar.items()}
    (entered,) = await _run(connection, resource_repository._ENTER, given)
    whom = sorted((clinics.calendar(body["practitioner"]), entered["id"]))
    spans: dict[str, Any] = {"now": now, "resource_ids": whom, "starts": [at] * 2, "ends": [row["ends_at"]] * 2}
    await _run(connection, kernel._LOOK_UP, spans)
    await _run(connection, kernel._SHARE_RESOURCES, {"ids": [], "resource_ids": whom})
    wanted = {
        "ids": [clock.new_id(), clock.new_id()],
        "lanes": [None] * 2,
        "origin_ids": [row["id"]] * 2,
        "moved_from_ids": [None] * 2,
        "state": "held",
        "expires_at": row["hold_until"],
        "beyond": 0,
        "origin_kind": "appointment",
        "taken_by": actor.id,
    }
    (made,) = await _run(connection, kernel._TAKE, spans | wanted)
    if len(made["made"] or ()) < len(whom):
        return None
    given = {f"given_{name}": value for name, value in row.items()}
    (shown,) = await _run(connection, repository._HOLD, given | _by(actor, row, now))
    return shown


def _by(actor: Actor, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    about = {"resident_id": actor.resident_id, "object_id": row["id"], "community_id": population.COMMUNITY}
    return {"change_id": clock.new_id(), "changed_by": actor.id, "now": now} | audit.trace_binds(actor, **about)


async def confirm(request: Request) -> Response:
    """Book what is held: locked, confirmed, written with history, fact, record and the notice of it."""
    actor, now = _actor(orjson.loads(await request.body())["resident"]), datetime.now(UTC)
    appointment = uuid.UUID(request.path_params["appointment_id"])
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        shown = await _confirmed(connection, actor, appointment, now)
    return _answer(shown)


async def _confirmed(connection: Any, actor: Actor, appointment: uuid.UUID, now: datetime) -> asyncpg.Record:
    (row,) = await _run(connection, repository._LOCK_SOME, {"ids": [appointment]})
    origin = {"origin_kind": "appointment", "origin_ids": [appointment]}
    ids = [one["id"] for one in await _run(connection, kernel._LOCK_OF_ORIGIN, origin)]
    await _run(connection, kernel._CONFIRM, {"ids": ids, "now": now})
    reminder = {"row_id": appointment, "next_reminder": row["starts_at"] - timedelta(days=1), "visit_id": None}
    (shown,) = await _run(connection, repository._BOOK, reminder | _by(actor, row, now))
    told = {
        "community_id": population.COMMUNITY,
        "dedupe_key": f"appointment:{appointment}:booked",
        "variables": {"resident": str(actor.resident_id), "starts_at": row["starts_at"].isoformat()},
        "data": {"appointment_id": str(appointment)},
        "about": actor.resident_id,
        "origin_id": appointment,
        "contact_point_id": None,
        "collapse_key": None,
        "send_at": None,
        "expires_at": None,
    }
    binds = {f"given_{name}": value for name, value in told.items()} | {"account_ids": [actor.id]}
    own = sending.statement_binds(notices.BOOKED, "telemedicine.appointment")
    await _run(connection, deliveries.writing_to_accounts(), binds | own)
    return shown


async def appointments(request: Request) -> Response:
    """Answer with twenty appointments of a patient's, the earliest first, read by our very statement."""
    actor = _actor(int(request.query_params["resident"]))
    page = PageRequest(20, None)
    binds = {
        **entries.AppointmentQuery().binds(),
        **shown_views.paging("bench", page),
        **shown_views.suggesting(),
        **audit.trace_each_binds(actor, shown=page.limit),
        "resident_id": actor.resident_id,
        "now": datetime.now(UTC),
    }
    async with request.app.state.pool.acquire() as connection:
        rows = await _run(connection, _APPOINTMENTS, binds)
    return Response(
        orjson.dumps({"items": [dict(row) for row in rows[:20]]}, default=str), media_type="application/json"
    )


async def slots(request: Request) -> Response:
    """Answer with twenty free starts of all practitioners, the earliest first, from the same rows as ours."""
    now = datetime.now(UTC)
    after = datetime.fromisoformat(request.query_params["earliest"])
    async with request.app.state.pool.acquire() as connection:
        await _run(connection, offers._TYPES, _TYPE)
        everybody = {"sex": None, "specialty": None, "now": now}
        at_clinic = {"organization_ids": [clinics.CLINIC]}
        people = await _run(connection, offers._PRACTITIONERS, at_clinic | everybody)
        whose = {"ids": [person["id"] for person in people]}
        hours = await _run(connection, schedules._HOURS, whose)
        await _run(connection, schedules._EXCEPTIONS, whose | at_clinic | {"after": now.replace(tzinfo=None)})
        days = {"first": now.date(), "last": (now + timedelta(days=366)).date()}
        await _run(connection, communities._CALENDAR, {"community_id": population.COMMUNITY} | days)
        since = after
        found: list[dict[str, Any]] = []
        while len(found) < 20:
            until = since + clinics.DURATION
            asked = {"resource_ids": [person["calendar_id"] for person in people], "since": since, "until": until}
            taken = await _run(
                connection, calendars._SPANS, asked | {"now": now, "apart": "clinic_session", "besides": []}
            )
            found += _starts(people, hours, {row["resource_id"]: row["spans"] for row in taken}, since, until)
            since = until
    return Response(orjson.dumps({"items": found[:20]}, default=str), media_type="application/json")


def _starts(
    people: Sequence[Any], hours: Sequence[Any], taken: Mapping[Any, Sequence[Any]], since: datetime, until: datetime
) -> list[dict[str, Any]]:
    there = {(row["practitioner_id"], row["weekday"]): row for row in hours}
    found: list[dict[str, Any]] = []
    at = since.replace(minute=since.minute // 30 * 30, second=0, microsecond=0)
    while at < until and len(found) < 20:
        minute = at.hour * 60 + at.minute
        for person in people:
            row = there.get((person["id"], at.isoweekday()))
            if not row or not row["starts_minute"] <= minute < row["ends_minute"] or at < since:
                continue
            if not any(
                span.lower < at + clinics.DURATION and span.upper > at for span in taken.get(person["calendar_id"], ())
            ):
                found.append({"starts_at": at, "practitioner": person["name"], "practitioner_id": person["id"]})
        at += clinics.DURATION
    return found


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    assembly.install()
    async with asyncpg.create_pool(
        os.environ["BARE_DSN"], min_size=8, max_size=8, server_settings={"jit": "off", "timezone": "UTC"}
    ) as pool:
        app.state.pool = pool
        yield


app = Starlette(
    lifespan=_lifespan,
    routes=[
        Route("/bookings", hold, methods=["POST"]),
        Route("/bookings/{appointment_id}/confirmation", confirm, methods=["POST"]),
        Route("/booked", book, methods=["POST"]),
        Route("/appointments", appointments),
        Route("/slots", slots),
    ],
)
