"""The SQL that says how each stands whom the bound actor looks after; each fact is read under its own scope alone."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, distinct_on

from app.core.tables import table_of
from app.identity.api import cared_for as people
from app.identity.api import is_visible
from eldercare.absences.models import ABSENCES
from eldercare.alarms.models import OPEN_STATES, Alarm, AlarmState
from eldercare.check_ins.models import CHECK_INS
from eldercare.medication.models import Dose
from eldercare.overview.rules import CASES, GROUPS, Group
from eldercare.visits.models import VISITS
from eldercare.visits.rules import AHEAD

ALARMS_READ: Final = "alarms:read"
CHECK_INS_READ: Final = "check_ins:read"
MEDICATION_READ: Final = "medication:read"
VISITS_READ: Final = "visits:read"
PROFILE_READ: Final = "profile:read"
CONTACTS_READ: Final = "contacts:read"
CARE_SCOPES: Final = (ALARMS_READ, CHECK_INS_READ, MEDICATION_READ, VISITS_READ)
"""Whoever has one of these is shown the person, and what it lets be seen."""
SCOPES: Final = (*CARE_SCOPES, PROFILE_READ, CONTACTS_READ)

OF_ONE: Final = "of_one"

_INSTANT = sa.DateTime(timezone=True)
_alarms = table_of(Alarm)
_doses = table_of(Dose)

now = sa.bindparam("now", type_=_INSTANT)
_community_id = sa.bindparam("community_id", type_=sa.Uuid)
_day_from = sa.bindparam("day_from", type_=_INSTANT)
_settled_from = sa.bindparam("settled_from", type_=_INSTANT)
_visits_from = sa.bindparam("visits_from", type_=_INSTANT)
_visits_until = sa.bindparam("visits_until", type_=_INSTANT)
_day_until = sa.bindparam("day_until", type_=_INSTANT)


def _is(column: sa.ColumnElement[Any], *values: str) -> sa.ColumnElement[bool]:
    # Written out, so that the planner may use the partial indexes that say the same.
    written = [sa.literal_column(f"'{value}'", sa.Text) for value in values]
    return column == written[0] if len(written) == 1 else column.in_(written)


def _last(column: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.max(column).filter(*conditions)


def _first(column: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.min(column).filter(*conditions)


def _looked_after(kind: people.Kind, *, of_one: bool) -> sa.CTE:
    """Return those looked after with the instant at which their day began: few zones, whatever many live in them."""
    cared = people.cared_for(kind, *SCOPES)
    is_meant = cared.c.resident_id == sa.bindparam(OF_ONE, type_=sa.Uuid) if of_one else sa.true()
    zones = sa.select(cared.c.time_zone.label("zone")).distinct().subquery("zones")
    began = sa.func.date_trunc("day", sa.func.timezone(zones.c.zone, now))
    days = sa.select(
        zones.c.zone, sa.func.timezone(zones.c.zone, began).label("midnight"), sa.cast(began, sa.Date).label("today")
    ).cte("days")
    days = days.prefix_with("MATERIALIZED")
    return (
        sa.select(cared, days.c.midnight, days.c.today)
        .join(days, days.c.zone == cared.c.time_zone)
        .where(is_meant, sa.or_(*(cared.c[people.may(scope)] for scope in CARE_SCOPES)))
        .cte("looked_after")
    )


def _of(table: sa.Table, persons: sa.CTE, scope: str, *conditions: sa.ColumnElement[bool]) -> Any:
    """Return the FROM and WHERE of facts of a table, of those whose facts may be seen, as a select of the person."""
    return (
        sa.select(persons.c.resident_id)
        .select_from(persons.join(table, table.c.resident_id == persons.c.resident_id))
        .where(persons.c[people.may(scope)], table.c.community_id == _community_id, *conditions)
    )


def _check_ins(persons: sa.CTE) -> sa.Subquery:
    c = CHECK_INS.c
    is_open, is_answered = _is(c.state, "prompted"), _is(c.state, "answered")
    settled_today = c.closed_at >= persons.c.midnight
    # Said today counts today, whichever day's question it answers.
    said_today = c.answered_at >= persons.c.midnight
    # A call for help is not over because a day is: it stands until they say otherwise.
    called = _last(c.answered_at, is_answered, c.answer == "needs_help", c.answered_at >= _day_from)
    well = _last(c.answered_at, is_answered, c.answer == "ok", c.how != "home")
    never = sa.literal_column("CAST('infinity' AS timestamptz)", _INSTANT)
    facts = _of(CHECK_INS, persons, CHECK_INS_READ, c.due_at.between(_settled_from, _day_until)).add_columns(
        _first(sa.func.coalesce(c.asked_at, c.prompted_at, c.due_at), is_open).label("not_answered_yet"),
        sa.func.nullif(_first(c.answer_by, is_open), never).label("answer_by"),
        _last(c.closed_at, _is(c.state, "missed"), settled_today).label("check_in_missed"),
        _last(c.closed_at, _is(c.state, "unasked"), settled_today).label("not_reached"),
        sa.case((sa.func.coalesce(well <= called, sa.true()), called)).label("asked_for_help"),
        _last(c.answered_at, is_answered, said_today, c.answer == "needs_help").label("help_asked_earlier"),
        _last(c.answered_at, is_answered, said_today, c.answer == "ok", c.how != "home").label("answered"),
        _last(c.answered_at, is_answered, said_today, c.answer == "ok", c.how == "home").label("active_at_home"),
        _first(c.next_prompt_at, _is(c.state, "scheduled"), c.local_date == persons.c.today).label("asked_later"),
    )
    return facts.group_by(persons.c.resident_id).subquery("check_ins")  # type: ignore[no-any-return]


def _visits(persons: sa.CTE) -> sa.Subquery:
    v = VISITS.c
    is_late = sa.and_(_is(v.state, *AHEAD), v.starts_at + v.late_after <= now)
    # Who should have left long ago and was asked has perhaps forgotten to say so: nobody is well because of that.
    is_there = sa.and_(_is(v.state, "in_progress"), v.overdue_step <= 1)
    facts = _of(VISITS, persons, VISITS_READ, v.starts_at.between(_visits_from, _visits_until)).add_columns(
        _last(v.closed_at, _is(v.state, "missed"), v.closed_at >= persons.c.midnight).label("visit_missed"),
        _first(v.starts_at, is_late).label("visit_late"),
        _last(v.started_at, is_there).label("carer_is_there"),
        _last(v.completed_at, _is(v.state, "completed"), v.completed_at >= persons.c.midnight).label("carer_was_there"),
    )
    return facts.group_by(persons.c.resident_id).subquery("visits")  # type: ignore[no-any-return]


def _missed_doses(persons: sa.CTE) -> sa.Subquery:
    d = _doses.c
    facts = _of(
        _doses,
        persons,
        MEDICATION_READ,
        _is(d.state, "missed"),
        d.closed_at >= _day_from,
        d.closed_at >= persons.c.midnight,
    ).add_columns(sa.func.max(d.closed_at).label("dose_missed"))
    return facts.group_by(persons.c.resident_id).subquery("doses")  # type: ignore[no-any-return]


def _absences(persons: sa.CTE) -> sa.Subquery:
    a = ABSENCES.c
    facts = _of(
        ABSENCES, persons, CHECK_INS_READ, a.ended_at.is_(None), a.ends_at > now, a.starts_at <= now
    ).add_columns(
        _first(a.starts_at, a.kind == "hospital").label("in_hospital"),
        _first(a.starts_at, a.kind == "away").label("away"),
        sa.func.max(a.ends_at).label("away_until"),
    )
    return facts.group_by(persons.c.resident_id).subquery("absences")  # type: ignore[no-any-return]


def _open_alarms(persons: sa.CTE) -> sa.Subquery:
    a = _alarms.c
    facts = _of(
        _alarms, persons, ALARMS_READ, _is(a.state, *sorted(state.value for state in OPEN_STATES)), a.is_test.is_(False)
    ).add_columns(
        a.id.label("alarm_id"),
        a.kind.label("alarm_kind"),
        a.severity.label("alarm_severity"),
        a.state.label("alarm_state"),
        a.raised_at.label("alarm"),
    )
    worst = facts.ext(distinct_on(persons.c.resident_id))
    return worst.order_by(persons.c.resident_id, a.severity.desc(), a.raised_at, a.id).subquery("alarms")  # type: ignore[no-any-return]


def last_ended(persons: sa.FromClause) -> sa.ColumnElement[Any]:
    """Return SQL for the alarm of today that ended last about each: its id, when, and how; of few who are shown.

    Emergency access is to what goes on: of what is over it shows nothing.
    """
    a = _alarms.c
    told = sa.func.jsonb_build_object("id", a.id, "ended_at", a.closed_at, "outcome", a.outcome)
    found = (
        sa.select(told)
        .where(
            a.resident_id == persons.c.resident_id,
            a.community_id == _community_id,
            a.raised_at >= _day_from,
            a.closed_at >= persons.c.midnight,
            _is(a.state, AlarmState.RESOLVED.value),
            a.is_test.is_(False),
            is_visible(a.resident_id, ALARMS_READ, lasting=True),
        )
        .order_by(a.closed_at.desc(), a.id.desc())
        .limit(1)
        .correlate(persons)
        .scalar_subquery()
    )
    return sa.type_coerce(found, JSONB)


_OF_EITHER: Final = ("resident_id", "asked_for_help", "help_asked_earlier")


def _known(persons: sa.CTE) -> sa.CTE:
    """Return all that is known of each: an instant for each reason, and what goes with it."""
    parts = [make(persons) for make in (_check_ins, _visits, _missed_doses, _absences, _open_alarms)]
    joined: sa.FromClause = persons
    for part in parts:
        joined = joined.outerjoin(part, part.c.resident_id == persons.c.resident_id)
    facts = [column for part in parts for column in part.c if column.name not in _OF_EITHER]
    check_ins, sees_alarms = parts[0].c, persons.c[people.may(ALARMS_READ)]
    return (
        sa.select(
            persons,
            *facts,
            # Whoever sees alarms sees that this one's is over; to whoever does not, it is what they know.
            sa.case((sees_alarms, check_ins.help_asked_earlier)).label("help_asked_earlier"),
            sa.case((sa.not_(sees_alarms), check_ins.asked_for_help)).label("asked_for_help"),
            sa.case((persons.c[people.may(CHECK_INS_READ)], persons.c.midnight)).label("not_asked"),
        )
        .select_from(joined)
        .cte("known")
    )


def decided(known: sa.FromClause) -> sa.ColumnElement[int]:
    """Return SQL for what ``rules.decide`` says of instants in columns named as reasons: the place in ``CASES``."""
    conditions = []
    for place, case in enumerate(CASES):
        if case.reason not in known.c:
            continue
        at, good = known.c[case.reason], [known.c[reason] for reason in case.made_good_by]
        holds: sa.ColumnElement[bool] = at.is_not(None)
        if good:
            holds = sa.and_(holds, sa.func.coalesce(sa.func.greatest(*good) <= at, sa.true()))
        conditions.append((holds, sa.literal_column(str(place), sa.Integer)))
    otherwise = next(place for place, case in enumerate(CASES) if case.reason == "nothing_known")
    return sa.case(*conditions, else_=sa.literal_column(str(otherwise), sa.Integer))


def instant_of(standing: sa.FromClause) -> sa.ColumnElement[Any]:
    """Return SQL for the instant that goes with the ``place``."""
    instants = ((place, case.reason) for place, case in enumerate(CASES) if case.reason in standing.c)
    place = standing.c.place
    return sa.case(*((place == sa.literal_column(str(number)), standing.c[reason]) for number, reason in instants))


def places(group: Group) -> tuple[int, int]:
    """Return the first and the last place in ``CASES`` of a group, which stands together."""
    found = [place for place, case in enumerate(CASES) if case.group == group]
    return found[0], found[-1]


def is_in(place: sa.ColumnElement[int], group: Group) -> sa.ColumnElement[bool]:
    """Return the condition that a place in ``CASES`` is one of the group's."""
    first, last = places(group)
    return place.between(sa.literal_column(str(first)), sa.literal_column(str(last)))


def number_of_group(place: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """Return SQL for which of ``GROUPS`` a place belongs to."""
    return sa.case(
        *((is_in(place, group), sa.literal_column(str(number), sa.Integer)) for number, group in enumerate(GROUPS))
    )


def standing(kind: people.Kind, *, of_one: bool = False) -> sa.CTE:
    """Return SQL for all who are looked after: who, what is known of them, and the ``place`` in ``CASES``.

    Execute it with the binds of ``cared_for`` of ``SCOPES``, ``community_id``, ``now``, and from when until when is
    looked: ``day_from``, ``settled_from``, ``visits_from``, ``visits_until``, ``day_until``; ``of_one`` with
    the resident's id as well.
    """
    known = _known(_looked_after(kind, of_one=of_one))
    # Decided once, however often it is asked.
    return sa.select(known, decided(known).label("place")).cte("standing").prefix_with("MATERIALIZED")
