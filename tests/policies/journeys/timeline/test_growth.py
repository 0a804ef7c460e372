"""A page costs the same however long the history is: every branch reads its index for a page, and no more."""

from datetime import timedelta

import pytest

from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import connect_raw, reading
from app.policies.journeys.timeline.access import require_reader
from app.policies.journeys.timeline.rules.kinds import KINDS
from app.policies.journeys.timeline.schemas import Wanted
from app.policies.journeys.timeline.views import timeline
from tests.factories.lived import Lived
from tests.plans import explain, looked_at, nodes

_PAST = 1500
_ROWS = 21
_AGAIN = (
    ("eldercare_check_in", "answered_at", "state = 'answered'", ("due_at",)),
    ("eldercare_check_in", "closed_at", "state = 'missed'", ("due_at",)),
    ("eldercare_alarm", "closed_at", "state = 'resolved'", ("raised_at",)),
    ("eldercare_dose", "taken_at", "state = 'taken'", ("due_at",)),
    ("eldercare_dose", "recorded_at", "state = 'skipped'", ("due_at",)),
    ("eldercare_dose", "closed_at", "state = 'missed'", ("due_at",)),
    ("eldercare_visit", "completed_at", "state = 'completed'", ("started_at",)),
    ("eldercare_visit", "closed_at", "state = 'missed'", ()),
    ("eldercare_goal_change", "changed_at", "lifecycle_status IS NOT NULL", ()),
    ("eldercare_goal_change", "changed_at", "achievement_status IS NOT NULL", ()),
    ("eldercare_absence", "ended_at", "ended_at IS NOT NULL", ("starts_at",)),
    ("telemedicine_appointment_change", "created_at", "news IS NOT NULL", ()),
    ("telemedicine_consultation", "ended_at", "state = 'ended'", ("started_at",)),
)
"""What is lived through again every eight hours: table, instant, rows, further instants that move along."""
INDEXES = (
    "ix_eldercare_check_in_told_answered",
    "ix_eldercare_check_in_told_missed",
    "ix_eldercare_absence_told_started",
    "ix_eldercare_absence_told_ended",
    "ix_eldercare_alarm_resident_id",
    "ix_eldercare_alarm_told_closed",
    "ix_eldercare_dose_told_taken",
    "ix_eldercare_dose_told_skipped",
    "ix_eldercare_dose_told_missed",
    "ix_eldercare_visit_told_started",
    "ix_eldercare_visit_told_completed",
    "ix_eldercare_visit_told_missed",
    "ix_eldercare_goal_change_told_changed",
    "ix_eldercare_goal_change_told_judged",
    "ix_telemedicine_appointment_change_told",
    "ix_telemedicine_consultation_told_ended",
    "ix_telemedicine_note_told_signed",
)


async def live_on(lived: Lived) -> None:
    """Insert fifteen hundred times eight hours of the past of the resident."""
    raw = await connect_raw()
    try:
        for place, (table, column, chosen, along) in enumerate(_AGAIN):
            moved = ", ".join(f"'{name}', one.{name} - back" for name in (column, *along))
            unplanned = ", 'occurrence_at', NULL" if table == "eldercare_visit" else ""
            await raw.execute(
                f"INSERT INTO {table} SELECT (jsonb_populate_record(one, jsonb_build_object("
                f"'id', gen_random_uuid(), {moved}{unplanned}))).*"
                f" FROM {table} one, generate_series(1, {_PAST}) number,"
                f" LATERAL (SELECT number * interval '8 hours' + interval '{place} minutes') past(back)"
                f" WHERE one.id = (SELECT id FROM {table} WHERE {chosen} LIMIT 1)"
            )
            await raw.execute(f"ANALYZE {table}")
        await raw.execute(
            "INSERT INTO telemedicine_note SELECT (jsonb_populate_record(one, jsonb_build_object("
            "'id', gen_random_uuid(), 'consultation_id', visit.id, 'signed_at', visit.ended_at))).*"
            " FROM telemedicine_note one, telemedicine_consultation visit WHERE visit.id <> one.consultation_id"
        )
        await raw.execute("ANALYZE telemedicine_note")
        await raw.execute(
            "INSERT INTO eldercare_vital_reading SELECT (jsonb_populate_record(one, jsonb_build_object('id',"
            " lpad(to_hex(CAST(extract(epoch FROM one.measured_at - back) * 1000 AS bigint)), 12, '0')"
            " || substr(md5(CAST(number AS text)), 1, 20), 'measured_at', one.measured_at - back))).*"
            f" FROM eldercare_vital_reading one, generate_series(1, {_PAST}) number,"
            " LATERAL (SELECT number * interval '8 hours') past(back)"
        )
        # Others measure as well, and other things: in a table of one resident no index were worth it.
        await raw.execute(
            "INSERT INTO eldercare_vital_reading SELECT (jsonb_populate_record(one, jsonb_build_object('id',"
            " substr(replace(CAST(one.id AS text), '-', ''), 1, 12)"
            " || substr(md5(CAST(one.id AS text) || other), 1, 20),"
            " 'resident_id', CAST(md5(CAST(one.id AS text)) AS uuid), 'code', other))).*"
            " FROM eldercare_vital_reading one, unnest(ARRAY['8867-4', '8480-6', '8462-4', '29463-7']) other"
        )
        await raw.execute("ANALYZE eldercare_vital_reading")
    finally:
        await raw.close()


@pytest.mark.parametrize("deep", [False, True])
async def test_a_page_reads_no_more_than_a_page_of_each_index(lived: Lived, clock: ManualClock, deep: bool) -> None:
    await live_on(lived)
    actor = Actor(
        kind="account",
        id=lived.resident.account_id,
        community_id=lived.place.id,
        resident_id=lived.resident.id,
    )
    until = clock.now() - timedelta(days=200) if deep else None
    async with reading() as connection:
        reader = await require_reader(connection, actor, lived.resident.id)
        binds = timeline.list_binds(reader, Wanted(kinds=KINDS, until=until), position=None, rows=_ROWS)
        plan = await explain(connection, timeline.LIST, {**timeline.LIST.compile().params, **binds})
    assert plan["Actual Rows"] == _ROWS
    # What reads tables, or an index for what reads them.
    found = [node for node in nodes(plan) if "Relation Name" in node or node["Node Type"] == "Bitmap Index Scan"]
    used = {leaf.get("Index Name") for leaf in found}
    assert set(INDEXES) <= used
    # A table of a few rows, or a month without a reading, is read as it is.
    assert [leaf for leaf in found if leaf["Node Type"] == "Seq Scan" and looked_at(leaf) > 5] == []
    read: dict[str, float] = {}
    for leaf in found:
        name = str(leaf.get("Relation Name", leaf.get("Index Name")))
        index = "eldercare_vital_reading" if "vital_reading" in name else str(leaf.get("Index Name"))
        read[index] = read.get(index, 0) + looked_at(leaf)
    # Of readings each day is found, then read: the row that begins it, of each month looked into, and all of it.
    months = {leaf["Relation Name"] for leaf in found if "vital_reading" in str(leaf.get("Relation Name"))}
    most = {"eldercare_vital_reading": (5 + len(months)) * _ROWS}
    beyond = {index for index, rows in read.items() if rows > most.get(index, 2 * _ROWS)}
    assert beyond == set(), [leaf for leaf in found if looked_at(leaf) > _ROWS]
