"""Reading calendars elsewhere: each by itself, outside of transactions, and what it says stored when it is known.

What was read last goes on blocking while a calendar fails: no time comes free because a server is down.
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, failures, outbound, stopping
from app.core.database import reading, unit_of_work
from app.core.due import Due
from app.core.later import Later
from app.core.leases import Held, Lease
from app.core.sealing import unseal
from app.core.settings import settings
from app.identity.api import organization_members
from app.reservations.api import block
from notifications.api import send
from telemedicine.calendars import notices, repository
from telemedicine.calendars.models import BUSY_URL, BusyCalendar
from telemedicine.calendars.rules import fetching as rules
from telemedicine.calendars.rules.busy import BusyTimes, Window
from telemedicine.calendars.rules.fetching import CannotImport, Fault
from telemedicine.calendars.service.reading import read
from telemedicine.calendars.views import busy as views
from telemedicine.clinics.rules import LONGEST_HORIZON

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = Later("aiohttp")

BATCH: Final = 4
"""As many as are fetched and read within a lease, however slow each is."""
MOST_BYTES: Final = 10 << 20
LEASE: Final = Lease(Due("telemedicine.read_busy_calendars", BusyCalendar, "fetch_at"), timedelta(minutes=5))
_OK: Final = 200
_NOT_MODIFIED: Final = 304
_LONGEST_TAG: Final = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Imported:
    """What a calendar says, and what it is known by when it is asked again."""

    times: BusyTimes
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """It says what it said before."""


Outcome = Imported | Unchanged | Fault | None
"""What became of a calendar; ``None``: it was not asked."""


async def run() -> int:
    """Read the calendars whose time has come and return how many; asked to stop, it takes up no further ones."""
    total = 0
    while not stopping.requested():
        async with LEASE.holding(BATCH) as held:
            if not held:
                break
            await _fetch(held)
            total += len(held)
    return total


async def _fetch(held: Sequence[Held]) -> None:
    async with reading() as connection:
        asked = await views.asked(connection, [one.id for one in held])
    chosen = settings().calendars
    async with outbound.outbound_session(chosen.allow_private, total=chosen.timeout) as http:
        flights = [_fetch_one(http, one, asked.get(one.id)) for one in held]
        for ended in await asyncio.gather(*flights, return_exceptions=True):
            if isinstance(ended, BaseException):  # it could not be stored: the others were, and this one is due again
                raise ended


async def _fetch_one(http: "aiohttp.ClientSession", held: Held, asked: Any) -> None:
    outcome = await _outcome(http, asked)
    async with unit_of_work() as session:
        if held.id in await LEASE.finish(session, [held]):
            await _store(session, held.id, outcome)


async def _outcome(http: "aiohttp.ClientSession", asked: Any) -> Outcome:
    if asked is None or asked.time_zone is None:  # whoever works nowhere has no times to block
        return None
    try:
        return await _read(http, asked)
    except CannotImport as error:
        return error.fault
    except Exception as error:  # noqa: BLE001 - one calendar's oddity must not keep others from being read
        log.error("busy_calendar_failed", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        return "failed"


async def _read(http: "aiohttp.ClientSession", asked: Any) -> Imported | Unchanged:
    now = clock.now()
    headers = {"Accept": "text/calendar"}
    is_known = asked.imported_at is not None and now - asked.imported_at < rules.IN_FULL
    if is_known and asked.etag:
        headers["If-None-Match"] = asked.etag
    if is_known and asked.last_modified:
        headers["If-Modified-Since"] = asked.last_modified
    answer = await _get(http, unseal(asked.url, BUSY_URL), headers)
    if answer.status == _NOT_MODIFIED and len(headers) > 1:
        return Unchanged()
    if answer.status != _OK:
        raise CannotImport(rules.fault_of(answer.status))
    # As far as anything can be booked, to the end of what begins last.
    window = Window(now - rules.BEFORE, now + LONGEST_HORIZON + timedelta(days=2), asked.time_zone)
    times = await read(answer.body, window)
    return Imported(times, _tag(answer, "ETag"), _tag(answer, "Last-Modified"))


async def _get(http: "aiohttp.ClientSession", url: str, headers: dict[str, str]) -> outbound.Answer:
    try:
        async with asyncio.timeout(settings().calendars.timeout):
            return await outbound.get(http, url, headers=headers, most=MOST_BYTES)
    except TimeoutError:
        raise CannotImport("too_slow") from None
    except outbound.AddressForbidden:
        raise CannotImport("address_not_allowed") from None
    except outbound.AnswerTooBig:
        raise CannotImport("too_big") from None
    except outbound.TooManyRedirects:
        raise CannotImport("too_many_redirects") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        log.info("busy_calendar_unreachable", error=failures.code_of(error))
        raise CannotImport("unreachable") from None


def _tag(answer: outbound.Answer, name: str) -> str | None:
    found = answer.headers.get(name, "")
    return found if found.isascii() and found.isprintable() and 0 < len(found) <= _LONGEST_TAG else None


async def _store(session: AsyncSession, row_id: uuid.UUID, outcome: Outcome) -> None:
    row = await repository.locked(session, row_id)
    if row is None:
        return
    now = clock.now()
    if outcome is not None:
        row.fetched_at = now
    if isinstance(outcome, str):
        row.failures, row.error, row.failing_since = row.failures + 1, outcome, row.failing_since or now
        if rules.is_to_be_told(now, row.failing_since, row.told_at):
            row.told_at = now
            await _tell(session, row)
    elif outcome is not None:
        row.failures, row.error, row.failing_since, row.told_at = 0, None, None, None
    if isinstance(outcome, Imported):
        row.imported_at, row.etag, row.last_modified = now, outcome.etag, outcome.last_modified
        row.skipped = outcome.times.skipped
        await block(session, row.calendar_id, row.id, outcome.times.spans)
    row.fetch_at = rules.next_fetch(now, row.failures, row.failing_since, is_told=row.told_at is not None)
    await session.flush()


async def _tell(session: AsyncSession, row: BusyCalendar) -> None:
    """Tell whose calendar it is, and who runs the clinics they work at, that it cannot be read."""
    connection = await session.connection()
    found = await views.concerned(connection, row.id)
    if not found or row.failing_since is None:
        return
    accounts = [one.account_id for one in found if one.account_id is not None]
    for organization_id in dict.fromkeys(one.organization_id for one in found):
        accounts += await organization_members(connection, organization_id, "coordinator")
    await send(
        session,
        notices.FAILING,
        list(dict.fromkeys(accounts)),
        community_id=row.community_id,
        dedupe_key=f"telemedicine.busy_calendar:{row.id}:{row.failing_since.isoformat()}",
        variables={"practitioner": found[0].name, "host": row.host, "since": row.failing_since},
    )
