"""Residents in bulk, written as SQL: what a benchmark starts from, not what it measures."""

import uuid

COMMUNITY = uuid.UUID("00000000-0000-7000-8000-00000000c0de")

_COMMUNITY = f"""
INSERT INTO identity_community (id, created_at, updated_at, version, name, country, time_zone, currency, languages,
    emergency_numbers, features, minimum_app_version)
VALUES ('{COMMUNITY}', :now, :now, 1, 'Bench', 'DE', 'UTC', 'EUR', '{{en}}', '{{}}', '{{}}', '1.0.0')"""

# Ids follow from numbers, so that every statement finds the others' rows: 1… accounts, 2… residents, and so on.
_ID = "CAST('0000000{kind}-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)"


def identifier(kind: int, number: int) -> uuid.UUID:
    """Return the id of the ``number``-th row of a kind: 1 account, 2 resident, 3 plan, 4 schedule, 5 check-in."""
    return uuid.UUID(f"0000000{kind}-0000-7000-8000-{number:012x}")


def _id(kind: int) -> str:
    return _ID.format(kind=kind)


_PEOPLE = (
    f"""
INSERT INTO identity_account (id, created_at, updated_at, version, community_id, name, language, time_zone, state)
SELECT {_id(1)}, :now, :now, 1, '{COMMUNITY}', 'Resident ' || n, 'en', 'UTC', 'active'
FROM generate_series(1, :count) n""",
    f"""
INSERT INTO identity_resident (id, created_at, updated_at, version, community_id, account_id, state,
    accessibility_needs, tags)
SELECT {_id(2)}, :now, :now, 1, '{COMMUNITY}', {_id(1)}, 'active', '{{}}', '{{}}'
FROM generate_series(1, :count) n""",
    f"""
INSERT INTO identity_installation (id, created_at, updated_at, version, account_id, client_id, provider, fid,
    platform, app_version, language, last_seen_at)
SELECT {_id(6)}, :now, :now, 1, {_id(1)}, 'client-' || n, 'fcm', 'fid-' || n, 'android', '1.0.0', 'en', :now
FROM generate_series(1, :count) n""",
    f"""
INSERT INTO eldercare_check_in_plan (id, created_at, updated_at, version, community_id, resident_id, account_id, state,
    schedule_id, planned_until, plan_at)
SELECT {_id(3)}, :now, :now, 1, '{COMMUNITY}', {_id(2)}, {_id(1)}, 'active', {_id(4)}, :now + interval '2 days',
       :now + interval '1 day' FROM generate_series(1, :count) n""",
    f"""
INSERT INTO eldercare_check_in_schedule (id, plan_id, resident_id, number, valid_from, created_by, channel, times,
    weekdays, starts_on, holidays, answer_window, reminders, questions, told, severity)
SELECT {_id(4)}, {_id(3)}, {_id(2)}, 1, :now, {_id(1)}, 'app', '{{08:00}}', '{{0,1,2,3,4,5,6}}', '2026-01-01', 'ignore',
       interval '30 minutes', ARRAY[interval '15 minutes'], '[]', '{{}}', 2 FROM generate_series(1, :count) n""",
)

CHECK_INS = f"""
INSERT INTO eldercare_check_in (id, created_at, updated_at, version, community_id, resident_id, account_id, plan_id,
    schedule_id, due_at, local_date, channel, state, round, reply_code, next_prompt_at, reminders_sent, late)
SELECT {_id(5)}, :now, :now, 1, '{COMMUNITY}', {_id(2)}, {_id(1)}, {_id(3)}, {_id(4)}, :now, CAST(:now AS date), 'app',
       'scheduled', 1, '1234', :now, 0, false FROM generate_series(1, :count) n"""

# Check-ins of past days, answered: what lists page through and claims must not see. ``:count`` per resident.
HISTORY = f"""
INSERT INTO eldercare_check_in (id, created_at, updated_at, version, community_id, resident_id, account_id, plan_id,
    schedule_id, due_at, local_date, channel, state, round, reply_code, prompted_at, asked_at, reminders_sent, answer,
    answered_at, recorded_at, answered_by, how, late)
SELECT CAST('00000007-' || lpad(to_hex(day), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), due, due, 1,
       '{COMMUNITY}', {_id(2)}, {_id(1)}, {_id(3)}, {_id(4)}, due, CAST(due AS date), 'app', 'answered', 1, '1234', due,
       due, 0, 'ok', due, due, {_id(1)}, 'self', false
FROM generate_series(1, :residents) n, generate_series(1, :days) day,
     LATERAL (SELECT :now - make_interval(days => day) AS due) d"""

OPERATOR = identifier(8, 1)
# The organization whose duty desk sees everyone's check-ins.
STAFF = (
    f"""
INSERT INTO identity_organization (id, created_at, updated_at, version, community_id, kind, name,
    requires_second_factor)
VALUES ('{OPERATOR}', :now, :now, 1, '{COMMUNITY}', 'operator', 'Duty desk', false)""",
    f"""
INSERT INTO identity_service_agreement (id, created_at, updated_at, version, community_id, organization_id, scopes,
    basis, starts_at)
VALUES ('{identifier(9, 1)}', :now, :now, 1, '{COMMUNITY}', '{OPERATOR}', '{{check_ins:read}}', 'contract', :now)""",
)

PEOPLE = (_COMMUNITY, *_PEOPLE)
ACCOUNTS = (_COMMUNITY, *_PEOPLE[:2], "VACUUM ANALYZE")
DUE = (*PEOPLE, CHECK_INS, "VACUUM ANALYZE")
