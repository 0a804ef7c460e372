"""How long is waited for which visit: what applies to each plan, and that the visits that lie ahead carry it."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from eldercare.tolerances.repository import said_for
from eldercare.tolerances.rules import Tolerances, resolve
from eldercare.visits import repository, rules
from eldercare.visits.models import VISITS

CRITICAL = (False, True)
_INSTANT = sa.DateTime(timezone=True)
_NOW = sa.bindparam("moment", type_=_INSTANT)
_COLUMNS: Mapping[str, Any] = {
    "care_plan_id": sa.Uuid(),
    "is_critical": sa.Boolean(),
    "staffed_before": sa.Interval(),
    "late_after": sa.Interval(),
    "missed_after": sa.Interval(),
    "check_out_after": sa.Interval(),
    "late_severity": sa.SmallInteger(),
    "missed_severity": sa.SmallInteger(),
    "check_out_severity": sa.SmallInteger(),
}
_CARRIED = [name for name in _COLUMNS if name not in ("care_plan_id", "is_critical")]
_wanted = (
    sa.func.unnest(*(sa.bindparam(f"all_{name}", type_=ARRAY(kind)) for name, kind in _COLUMNS.items()))
    .table_valued(*(sa.column(name, kind) for name, kind in _COLUMNS.items()))
    .render_derived("wanted")
)
_IS_OTHERWISE = sa.and_(
    VISITS.c.care_plan_id == _wanted.c.care_plan_id,
    VISITS.c.is_critical == _wanted.c.is_critical,
    VISITS.c.state.in_([sa.literal(state, sa.Text) for state in rules.AGREED]),
    VISITS.c.starts_at > _NOW,
    sa.tuple_(*(VISITS.c[name] for name in _CARRIED)) != sa.tuple_(*(_wanted.c[name] for name in _CARRIED)),
)
# Locked in one order, as everywhere; what somebody changed meanwhile is looked at as it is then.
_LOCK = sa.select(VISITS.c.id).where(_IS_OTHERWISE).order_by(VISITS.c.id).with_for_update(key_share=True, of=VISITS)
_IS_AHEAD = VISITS.c.state.in_([sa.literal(state, sa.Text) for state in rules.AHEAD])
_STAFFED_BY = VISITS.c.starts_at - _wanted.c.staffed_before
_ALIGN = (
    sa.update(VISITS)
    .where(VISITS.c.id == sa.any_(sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))), _IS_OTHERWISE)
    .values(
        **{name: _wanted.c[name] for name in _CARRIED},
        # Who was told already is not told again, and what was brought forward is not put off.
        staff_by=sa.case(
            (VISITS.c.staff_by.is_(None), None),
            (repository.IS_TO_BE_REPLACED, sa.func.least(VISITS.c.staff_by, _STAFFED_BY)),
            else_=_STAFFED_BY,
        ),
        late_at=sa.case((_IS_AHEAD, VISITS.c.starts_at + _wanted.c.late_after)),
        miss_at=sa.case((_IS_AHEAD, VISITS.c.starts_at + _wanted.c.missed_after)),
        updated_at=_NOW,
        version=VISITS.c.version + 1,
    )
)


class PlanLike(Protocol):
    """What of a care plan says which words count for it."""

    @property
    def id(self) -> uuid.UUID: ...
    @property
    def community_id(self) -> uuid.UUID: ...
    @property
    def organization_id(self) -> uuid.UUID: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """A care plan, as far as it says which words count for it."""

    id: uuid.UUID
    community_id: uuid.UUID
    organization_id: uuid.UUID


def plan_of(template: sa.Row[Any]) -> PlanLike:
    """Return the plan of what recurs, as far as it matters here."""
    return Plan(template.care_plan_id, template.community_id, template.organization_id)


async def of_plans(session: AsyncSession, plans: Iterable[PlanLike]) -> dict[tuple[uuid.UUID, bool], Tolerances]:
    """Return what applies to visits by care plan and whether the time matters."""
    plans = list(plans)
    ids = {scope_id for plan in plans for scope_id in (plan.community_id, plan.organization_id, plan.id)}
    said = await said_for(await session.connection(), ids)
    return {
        (plan.id, is_critical): resolve(
            levels_of(said, [plan.community_id, plan.organization_id, plan.id]), is_critical=is_critical
        )
        for plan in plans
        for is_critical in CRITICAL
    }


async def align(session: AsyncSession, plans: Iterable[PlanLike]) -> None:
    """Let the visits ahead of the plans carry what applies to them now, with the deadlines that follow."""
    applying = await of_plans(session, plans)
    columns: dict[str, list[Any]] = {f"all_{name}": [] for name in _COLUMNS}
    for (care_plan_id, is_critical), found in sorted(applying.items()):
        for name, value in {"care_plan_id": care_plan_id, "is_critical": is_critical, **found.values()}.items():
            columns[f"all_{name}"].append(value)
    binds = {"moment": clock.now(), **columns}
    visit_ids = (await session.scalars(_LOCK, binds)).all()
    if visit_ids:
        await session.execute(_ALIGN, {"visit_ids": list(visit_ids), **binds})


def levels_of(said: Mapping[uuid.UUID, sa.Row[Any]], scope_ids: Iterable[uuid.UUID]) -> list[Mapping[str, Any]]:
    """Return what each of the scopes says, in their order; who says nothing says an empty word."""
    return [dict(said[one]._mapping) if one in said else {} for one in scope_ids]  # noqa: SLF001 - a row's own view
