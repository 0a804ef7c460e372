"""Who needs somebody and who is fine: what is said of every mixture of what is known."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.core.database import Database, reading
from eldercare.overview.rules import CASES, GROUPS, Reason, decide
from eldercare.overview.views.standing import decided, instant_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REASONS: tuple[Reason, ...] = tuple(reason for reason in get_args(Reason) if reason != "nothing_known")
WELL = ("carer_is_there", "carer_was_there", "answered", "active_at_home")
instants = st.integers(0, 4).map(lambda hours: NOON + timedelta(hours=hours))
known = st.dictionaries(st.sampled_from(REASONS), instants)


def test_every_reason_is_decided_once_and_the_groups_stand_together() -> None:
    assert sorted(case.reason for case in CASES) == sorted(get_args(Reason))
    order = [GROUPS.index(case.group) for case in CASES if case.group != "away"]
    assert order == sorted(order)


@given(known)
def test_an_open_alarm_is_never_hidden_by_anything(facts: dict[Reason, datetime]) -> None:
    assert decide(facts | {"alarm": NOON}).group == "needs"


@given(known)
def test_nobody_is_fine_without_a_word_or_somebody_who_was_there(facts: dict[Reason, datetime]) -> None:
    verdict = decide(facts)
    if verdict.group == "fine":
        assert verdict.reason in WELL
        assert facts[verdict.reason] == verdict.at


@given(known)
def test_nobody_is_fine_who_missed_something_later_than_they_were_heard(facts: dict[Reason, datetime]) -> None:
    if decide(facts).group == "fine":
        heard = max(facts[reason] for reason in WELL if reason in facts)
        assert all(facts[reason] < heard for reason in ("check_in_missed", "not_reached") if reason in facts)


@given(known)
def test_whoever_has_not_answered_is_waited_for_or_needs_somebody(facts: dict[Reason, datetime]) -> None:
    assert decide(facts | {"not_answered_yet": NOON}).group in ("needs", "waiting")


@given(known, st.sampled_from(REASONS))
def test_the_reason_that_is_shown_is_one_that_is_known(facts: dict[Reason, datetime], hidden: Reason) -> None:
    facts.pop(hidden, None)
    assert decide(facts).reason != hidden


def test_a_word_after_a_missed_check_in_makes_it_good_but_a_missed_dose_stays_missed() -> None:
    later = NOON + timedelta(hours=1)
    assert decide({"check_in_missed": NOON, "answered": later}).group == "fine"
    assert decide({"check_in_missed": later, "answered": NOON}).reason == "check_in_missed"
    assert decide({"dose_missed": NOON, "answered": later}).reason == "dose_missed"


def test_of_whom_nothing_may_be_seen_nothing_is_said() -> None:
    assert decide({}) == ("unasked", "nothing_known", None)


@pytest.mark.usefixtures("database")
async def test_the_database_decides_as_the_rules_do(database: Database) -> None:
    """Every pair of reasons, in both orders and at once, and each alone."""
    mixtures: list[dict[Reason, datetime]] = [{one: NOON} for one in REASONS]
    mixtures += [
        {one: NOON + timedelta(hours=first), other: NOON + timedelta(hours=second)}
        for one in REASONS
        for other in REASONS
        if one != other
        for first, second in ((0, 0), (0, 1), (1, 0))
    ]
    mixtures += [
        {one: NOON + timedelta(minutes=index * 7 % 11) for index, one in enumerate(REASONS[start:])}
        for start in range(len(REASONS))
    ]
    columns: list[sa.ColumnClause[Any]] = [
        sa.column("number", sa.Integer),
        *(sa.column(reason, sa.DateTime(timezone=True)) for reason in REASONS),
    ]
    rows = [(number, *(mixture.get(reason) for reason in REASONS)) for number, mixture in enumerate(mixtures)]
    facts = sa.values(*columns, name="facts").data(rows)
    placed = sa.select(facts, decided(facts).label("place")).subquery()
    statement: sa.Select[Any] = sa.select(placed.c.place, instant_of(placed)).order_by(placed.c.number)
    async with reading() as connection:
        found = [(CASES[row[0]].reason, row[1]) for row in await connection.execute(statement)]
    assert found == [(verdict.reason, verdict.at) for verdict in map(decide, mixtures)]
