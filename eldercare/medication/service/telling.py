"""Who gets which notice about medication, as SQL that tells a whole batch at once."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.tables import table_of
from app.identity.api import granted_accounts
from eldercare.care_circle.models import CircleMember
from eldercare.medication import repository
from eldercare.medication.models import DOSES, REGIMENS, STOCKS, VERSIONS
from eldercare.medication.notices import DOSE_REMINDER, DOSES_MISSED, REFILL_DUE, REMINDER_ORIGIN
from notifications.api import send_many, withdraw

_SCOPE: Final = "medication:read"
_UUIDS = ARRAY(sa.Uuid)
_INSTANT = sa.DateTime(timezone=True)

# One reminder for all that is due at one moment: five tablets are not five messages.
_REMINDED = sa.text("""
    SELECT c.account_id, c.community_id,
           concat_ws('-', 'doses', c.resident_id, extract(epoch FROM c.due_at), extract(epoch FROM m.moment))
               AS dedupe_key,
           concat_ws('-', 'doses', c.resident_id, extract(epoch FROM c.due_at)) AS collapse_key,
           jsonb_build_object('due_at', c.due_at) AS variables,
           jsonb_build_object('due_at', to_json(c.due_at) #>> '{}') AS data,
           c.resident_id AS about, (array_agg(c.id ORDER BY c.id))[1] AS origin_id,
           max(c.window_ends_at) AS expires_at
    FROM eldercare_dose c JOIN unnest(:dose_ids, :moments) AS m (id, moment) ON m.id = c.id
    GROUP BY c.account_id, c.community_id, c.resident_id, c.due_at, m.moment""").bindparams(
    sa.bindparam("dose_ids", type_=_UUIDS), sa.bindparam("moments", type_=ARRAY(_INSTANT))
)
_REMINDERS = sa.select(
    _REMINDED.columns(
        sa.column("account_id", sa.Uuid),
        sa.column("community_id", sa.Uuid),
        sa.column("dedupe_key", sa.Text),
        sa.column("collapse_key", sa.Text),
        sa.column("variables", JSONB),
        sa.column("data", JSONB),
        sa.column("about", sa.Uuid),
        sa.column("origin_id", sa.Uuid),
        sa.column("expires_at", _INSTANT),
    ).subquery("reminded")
)

_members: Any = table_of(CircleMember)
_granted = granted_accounts(_SCOPE).subquery("granted")


def _may_be_told(resident_id: sa.ColumnElement[uuid.UUID]) -> sa.Select[Any]:
    """Return who belongs to the resident's circle and was granted to see their medication, now: people leave."""
    return (
        sa.select(_members.c.account_id)
        .distinct()
        .where(
            _members.c.resident_id == resident_id,
            _members.c.state == sa.literal("accepted"),
            sa.exists().where(
                _granted.c.resident_id == _members.c.resident_id, _granted.c.account_id == _members.c.account_id
            ),
        )
    )


_told_of_dose = _may_be_told(DOSES.c.resident_id).lateral("told")
_first_missed = sa.func.array_agg(sa.dialects.postgresql.aggregate_order_by(DOSES.c.id, DOSES.c.id))[1]
_day = sa.cast(DOSES.c.local_date, sa.Text)
# Per day and person: what was missed at one time is one piece of news, and a later one takes its place on the phone.
_MISSED = (
    sa.select(
        _told_of_dose.c.account_id,
        DOSES.c.community_id,
        DOSES.c.resident_id.label("about"),
        sa.func.concat_ws("-", "doses_missed", DOSES.c.resident_id, _first_missed).label("dedupe_key"),
        sa.func.concat_ws("-", "doses_missed", DOSES.c.resident_id, _day).label("collapse_key"),
        sa.func.jsonb_build_object(
            "resident", DOSES.c.resident_id, "day", _day, "doses", sa.func.count(), type_=JSONB
        ).label("variables"),
        sa.func.jsonb_build_object("resident_id", sa.cast(DOSES.c.resident_id, sa.Text), type_=JSONB).label("data"),
    )
    .join(VERSIONS, VERSIONS.c.id == DOSES.c.version_id)
    .join(_told_of_dose, sa.true())
    .where(
        DOSES.c.id == sa.any_(sa.bindparam("dose_ids", type_=_UUIDS)),
        sa.or_(VERSIONS.c.told.is_(None), _told_of_dose.c.account_id == sa.any_(VERSIONS.c.told)),
    )
    .group_by(_told_of_dose.c.account_id, DOSES.c.community_id, DOSES.c.resident_id, DOSES.c.local_date)
)

_low = (
    sa.func.unnest(sa.bindparam("stock_ids", type_=_UUIDS), sa.bindparam("days", type_=ARRAY(sa.Date)))
    .table_valued(sa.column("id", sa.Uuid), sa.column("day", sa.Date))
    .render_derived("low")
)
# For each stock that is low by itself: a condition from outside never gets into a UNION, which would read all stocks.
_refill_to = sa.union(
    sa.select(REGIMENS.c.account_id).where(REGIMENS.c.id == STOCKS.c.regimen_id).correlate(STOCKS),
    _may_be_told(STOCKS.c.resident_id).correlate(STOCKS),
).lateral("refill_to")
_LOW = sa.select(
    _refill_to.c.account_id,
    STOCKS.c.community_id,
    STOCKS.c.resident_id.label("about"),
    sa.func.concat_ws("-", "refill", STOCKS.c.id, STOCKS.c.round).label("dedupe_key"),
    sa.func.jsonb_build_object(
        "resident", STOCKS.c.resident_id, "day", sa.cast(_low.c.day, sa.Text), type_=JSONB
    ).label("variables"),
    sa.func.jsonb_build_object("regimen_id", sa.cast(STOCKS.c.regimen_id, sa.Text), type_=JSONB).label("data"),
).select_from(_low.join(STOCKS, STOCKS.c.id == _low.c.id).join(_refill_to, sa.true()))


async def remind(session: AsyncSession, moments: Mapping[uuid.UUID, datetime]) -> None:
    """Remind the residents of doses, each meant for its moment."""
    if moments:
        binds = {"dose_ids": list(moments), "moments": list(moments.values())}
        await send_many(session, DOSE_REMINDER, _REMINDERS, binds=binds, origin_kind=REMINDER_ORIGIN)


async def stop_reminding(session: AsyncSession, dose_ids: Sequence[uuid.UUID]) -> None:
    """Take back reminders of moments at which nothing is waited for any more, now that these doses are not."""
    if dose_ids:
        await withdraw(session, REMINDER_ORIGIN, await repository.no_longer_awaited(session, dose_ids))


async def tell_of_misses(session: AsyncSession, dose_ids: Collection[uuid.UUID]) -> None:
    """Tell those of the circle who may see the residents' medication that nobody recorded doses as taken."""
    if dose_ids:
        binds = {"dose_ids": list(dose_ids), "granted_at": clock.now()}
        await send_many(session, DOSES_MISSED, _MISSED, binds=binds)


async def tell_of_low_stocks(session: AsyncSession, lasts_until: Mapping[uuid.UUID, date]) -> None:
    """Tell residents, and those of their circles who may see medication, until when stocks last; once per refill."""
    if lasts_until:
        binds = {"stock_ids": list(lasts_until), "days": list(lasts_until.values()), "granted_at": clock.now()}
        await send_many(session, REFILL_DUE, _LOW, binds=binds)
