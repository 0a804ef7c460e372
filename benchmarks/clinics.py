"""A clinic in bulk, written as SQL: its practitioners with their hours, and what was and is booked of them."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from benchmarks import population

CLINIC: Final = population.identifier(8, 3)
VISIT_TYPE: Final = uuid.UUID("00000021-0000-7000-8000-000000000001")
DURATION: Final = timedelta(minutes=30)
STARTS: Final = tuple(timedelta(hours=9, minutes=30 * number) for number in range(16))
"""The starts of a day, on the clinic's wall, which is UTC's."""


def _id(kind: int, number: str = "n") -> str:
    return f"CAST('000000{kind}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0') AS uuid)"


def practitioner(number: int) -> uuid.UUID:
    """Return the id of the ``number``-th practitioner."""
    return uuid.UUID(f"00000022-0000-7000-8000-{number:012x}")


def calendar(number: int) -> uuid.UUID:
    """Return the id of the ``number``-th practitioner's calendar."""
    return uuid.UUID(f"00000023-0000-7000-8000-{number:012x}")


def nth_slot(number: int, now: datetime) -> datetime:
    """Return a start of a practitioner's, the ``number``-th from tomorrow's first on."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1 + number // len(STARTS)) + STARTS[number % len(STARTS)]


_CLINIC: Final = (
    f"""
INSERT INTO identity_organization (id, created_at, updated_at, version, community_id, kind, name,
    requires_second_factor)
VALUES ('{CLINIC}', :now, :now, 1, '{population.COMMUNITY}', 'clinic', 'Lake Clinic', false)""",
    f"""
INSERT INTO telemedicine_clinic (id, created_at, updated_at, version, community_id, organization_id, time_zone,
    owns_diary, answer_within)
VALUES ('{CLINIC}', :now, :now, 1, '{population.COMMUNITY}', '{CLINIC}', 'UTC', false, interval '4 hours')""",
    f"""
INSERT INTO telemedicine_visit_type (id, created_at, updated_at, version, community_id, organization_id, name,
    preparation, mode, duration, step, buffer_before, buffer_after, lead_time, horizon, price_amount, price_currency,
    notice_period, late_fee_amount, checklist, bookable_by, needs, capacity, is_active)
VALUES ('{VISIT_TYPE}', :now, :now, 1, '{population.COMMUNITY}', '{CLINIC}', '{{"en": "Visit"}}', '{{}}', 'phone',
    '30 minutes', '30 minutes', '0', '0', '0', '60 days', 5000, 'EUR', '0', 0, '[]', 'grant', '{{}}', 1, true)""",
)
# All seven days, so that what is measured does not depend on the day it is measured on.
_PRACTITIONERS: Final = (
    f"""
INSERT INTO reservations_resource (id, created_at, updated_at, version, community_id, kind, subject_id, lanes,
    buffer_before, buffer_after, is_blockable)
SELECT {_id(23)}, :now, :now, 1, '{population.COMMUNITY}', 'practitioner', {_id(22)}, 1, '0', '0', true
FROM generate_series(1, :practitioners) n""",
    f"""
INSERT INTO telemedicine_practitioner (id, created_at, updated_at, version, community_id, organization_id, calendar_id,
    name, licence_number, licence_valid_until, licence_ends_at, specialties, languages, sex, is_active)
SELECT {_id(22)}, :now, :now, 1, '{population.COMMUNITY}', '{CLINIC}', {_id(23)}, 'Dr ' || n, 'L-' || n, '2100-01-01',
       '2100-01-02', '{{}}', '{{en}}', 'unknown', true
FROM generate_series(1, :practitioners) n""",
    f"""
INSERT INTO telemedicine_availability (id, created_at, updated_at, version, organization_id, practitioner_id, weekday,
    starts_minute, ends_minute, visit_type_ids, on_holidays)
SELECT {_id(24, "n * 8 + weekday")}, :now, :now, 1, '{CLINIC}', {_id(22)}, weekday, 9 * 60, 17 * 60, '{{}}', true
FROM generate_series(1, :practitioners) n, generate_series(1, 7) weekday""",
)
# What is booked of each practitioner on each of some days: ``{starts}`` says which, by a number ``k`` of each start.
_BOOKED: Final = f"""
INSERT INTO reservations_reservation (id, created_at, updated_at, version, community_id, resource_id, lane,
    is_overbooked, state, starts_at, ends_at, blocks_from, blocks_until, origin_kind, origin_id, taken_by)
SELECT {{id}}, :now, :now, 1, '{population.COMMUNITY}', {_id(23)}, 1, false, 'booked', at,
       at + interval '30 minutes', at, at + interval '30 minutes', 'appointment', {{id}},
       '{population.identifier(1, 1)}'
FROM {{starts}}"""
_APPOINTED: Final = f"""
INSERT INTO telemedicine_appointment (id, created_at, updated_at, version, community_id, organization_id, resident_id,
    account_id, practitioner_id, visit_type_id, mode, status, starts_at, ends_at, time_zone, sequence, booked_by,
    price_amount, price_currency, notice_period, late_fee_amount, fee_amount, was_booked)
SELECT {{id}}, :now, :now, 1, '{population.COMMUNITY}', '{CLINIC}', resident, account, {_id(22)},
       '{VISIT_TYPE}', 'video', '{{status}}', at, at + interval '30 minutes', 'UTC', 0, account, 5000, 'EUR', '0', 0, 0,
       true
FROM {{starts}}, LATERAL (SELECT
    CAST('00000002-0000-7000-8000-' || lpad(to_hex(1 + (n * 7919 + k) % :count), 12, '0') AS uuid) AS resident,
    CAST('00000001-0000-7000-8000-' || lpad(to_hex(1 + (n * 7919 + k) % :count), 12, '0') AS uuid) AS account) whose"""
_AT: Final = "date_trunc('day', :now) + interval '9 hours' + (k % 16) * interval '30 minutes'"
_PAST_STARTS: Final = f"""generate_series(1, :practitioners) n, generate_series(0, :each - 1) k,
    LATERAL (SELECT {_AT} - (k / 16 + 1) * interval '1 day' AS at) past"""
_PAST_ID: Final = "CAST('00000025-' || lpad(to_hex(n), 4, '0') || '-7000-8000-' || lpad(to_hex(k), 12, '0') AS uuid)"
# Of every five starts three, another three on each day and of each practitioner.
_AHEAD_STARTS: Final = f"""generate_series(1, :practitioners) n, generate_series(16, 61 * 16 - 1) k,
    LATERAL (SELECT {_AT} + (k / 16) * interval '1 day' AS at) ahead
WHERE (n * 3 + k * 7 + k / 16) % 5 < 3"""
_AHEAD_ID: Final = _PAST_ID.replace("00000025", "00000026")
_FULL_STARTS: Final = f"""generate_series(1, :practitioners) n, generate_series(0, 50 * 16 - 1) k,
    LATERAL (SELECT {_AT} + (k / 16) * interval '1 day' AS at) ahead"""

PEOPLE: Final = (*population.ACCOUNTS[:-1], *_CLINIC, *_PRACTITIONERS)
PAST: Final = (
    _BOOKED.format(id=_PAST_ID, starts=_PAST_STARTS),
    _APPOINTED.format(id=_PAST_ID, starts=_PAST_STARTS, status="fulfilled"),
)
"""``:each`` appointments of each practitioner that are over."""
SIXTY_PERCENT: Final = _BOOKED.format(id=_AHEAD_ID, starts=_AHEAD_STARTS)
"""Of each practitioner, for sixty days."""
SIXTY_PERCENT_OF_SOME: Final = f"{SIXTY_PERCENT} AND n > 100"
"""Of each practitioner behind the hundredth."""
NOTHING_AHEAD: Final = "DELETE FROM reservations_reservation WHERE starts_at >= :now"
FULL: Final = _BOOKED.format(id=_AHEAD_ID, starts=_FULL_STARTS)
"""Nobody has any time for fifty days."""
