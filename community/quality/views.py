"""The SQL that says how a provider does: one statement, whatever the span."""

import uuid
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from community.complaints.models import COMPLAINTS
from community.orders.models import ORDERS
from community.orders.rules import LATE
from community.quality.schemas import Quality, QualityMonth
from community.scores.models import RATINGS
from community.scores.rules import LEAST

_o = ORDERS.c
_INSTANT = sa.DateTime(timezone=True)
_month = sa.func.to_char(
    sa.func.timezone(sa.bindparam("time_zone", type_=sa.Text), _o.starts_at), sa.literal_column("'YYYY-MM'")
)
_late = sa.bindparam("late", type_=sa.Interval)
_is_late = _o.started_at > _o.starts_at + _late
_minutes = sa.extract("epoch", _o.started_at - _o.starts_at) / 60


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count().filter(condition)


def _text(*values: str) -> list[sa.ColumnElement[str]]:
    return [sa.literal(value, sa.Text) for value in values]


_QUALITY: Final = (
    sa.select(
        _month.label("month"),
        sa.func.count().label("orders"),
        _count(sa.and_(_o.finished_at.is_not(None), ~_is_late)).label("on_time"),
        _count(_is_late).label("late"),
        sa.func.percentile_cont(sa.literal_column("0.5")).within_group(_minutes).filter(_is_late).label("median"),
        _count(sa.and_(_o.worker_id.is_(None), _o.cancel_reason.in_(_text("no_worker", "not_kept")))).label("unfilled"),
        _count(_o.cancelled_by == sa.literal("provider", sa.Text)).label("cancelled_by_provider"),
        sa.func.count(COMPLAINTS.c.id).label("complaints"),
        sa.func.count(_o.rework_of).label("rework"),
        sa.case(
            (sa.func.count(RATINGS.c.resident_id.distinct()) >= LEAST, sa.func.avg(RATINGS.c.stars)),
        ).label("average"),
    )
    .select_from(
        # An order has one complaint and one rating at most: nothing is counted twice.
        ORDERS.outerjoin(COMPLAINTS, COMPLAINTS.c.order_id == _o.id).outerjoin(RATINGS, RATINGS.c.order_id == _o.id)
    )
    .where(
        _o.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        _o.starts_at >= sa.bindparam("since", type_=_INSTANT),
        _o.starts_at < sa.bindparam("until", type_=_INSTANT),
        _o.state.not_in(_text("held", "expired")),
    )
    .group_by(sa.text("1"))
    .order_by(sa.text("1"))
)


async def of_provider(
    connection: AsyncConnection, organization_id: uuid.UUID, span: tuple[datetime, datetime], time_zone: str
) -> Quality:
    """Return how a provider did in a span, month by month; a month without orders is left out."""
    binds = {
        "organization_id": organization_id,
        "since": span[0],
        "until": span[1],
        "time_zone": time_zone,
        "late": LATE,
    }
    return Quality(
        items=[
            QualityMonth(
                **{name: getattr(row, name) for name in QualityMonth.model_fields.keys() & row._fields},
                median_minutes_late=_rounded(row.median),
                average_rating=_rounded(row.average),
            )
            for row in await connection.execute(_QUALITY, binds)
        ]
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 1)
