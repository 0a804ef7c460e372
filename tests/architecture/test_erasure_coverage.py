"""Every table that holds somebody's data is handed out by an export, and says nothing of them after an erasure."""

import base64
import datetime as dt
import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import SQLModel

from app import assembly
from app.core import clock as clocks
from app.core import privacy, sealing
from app.core.audit_tables import Xid8
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.tables import SEALED
from app.identity.sessions.models import AccountSession
from tests.factories.sign_in import access_headers

assembly.load_tables()

SAID: Final = "Wisteria"
"""The word that stands wherever a table has room for words about the person."""

ACCOUNT, RESIDENT = "identity_account", "identity_resident"
PERSONAL: Final = {personal.table.name: personal for personal in privacy.personal_tables()}


def _with_parents() -> list[sa.Table]:
    """Return the tables with somebody's data and those they refer to, the latter first."""
    needed = set(PERSONAL)
    for table in reversed(SQLModel.metadata.sorted_tables):
        if table.name in needed:
            needed |= {key.column.table.name for key in table.foreign_keys}
    return [table for table in SQLModel.metadata.sorted_tables if table.name in needed]


# What the tables' own checks leave open: states in which a person can be erased at all.
GIVEN: Final[Mapping[str, Mapping[str, Any]]] = {
    "billing_authorization": {"currency": "CNY", "amount": 1, "subsidy_amount": 0},
    "billing_card_payment": {"capture_amount": None, "captured_amount": 0, "refunding_amount": 0},
    "billing_charge": {
        "closed_at": None,
        "currency": "CNY",
        "amount": 1,
        "paid_amount": 0,
        "credited_amount": 0,
        "credited_fee": 0,
        "fee_amount": 0,
        "payable_amount": 0,
        "paid_out_amount": 0,
    },
    "billing_credit": {"currency": "CNY", "fee_amount": 0},
    "billing_dispute": {"closed_at": None, "currency": "CNY", "state": "needs_response", "frozen_amount": 0},
    "billing_entry": {"currency": "CNY", "sides": 2},
    "billing_invoice": {"credit_id": None, "tax_amount": 0},
    "billing_payer": {"ended_at": None},
    "billing_payment": {"currency": "CNY", "programme_id": None, "refunded_amount": 0, "refunds_id": None},
    "billing_payment_method": {"last4": "4242"},
    "identity_viewing": {"ends_at": dt.datetime(2026, 3, 3, tzinfo=dt.UTC)},
    "community_order": {
        "state": "closed",
        "wanted_at": dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC),
        "flexibility": dt.timedelta(),
        "starts_at": dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC),
        "ends_at": dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC),
        "payment_method": "provider",
        **dict.fromkeys(
            (
                *("payment_method_id", "series_id", "occurrence_at", "reservation_id"),
                *("cancelled_by", "cancel_reason", "hold_until", "authorize_at", "staff_by", "late_at", "miss_at"),
                *("overdue_at", "unpaid_at"),
            )
        ),
        "currency": "CNY",
        **dict.fromkeys(("total_amount", "extra_amount", "fee_amount", "late_percent"), 0),
        "options": {},
        "lines": [],
        "checklist": [],
    },
    "community_attraction": {
        "kind": "museum",
        "state": "draft",
        "time_zone": "UTC",
        **dict.fromkeys(("opens_at", "closes_at", "look_at")),
    },
    "community_complaint": {
        "state": "withdrawn",
        **dict.fromkeys(("answer_by", "decide_by", "outcome", "decided_as", "rework_id")),
        "refund_amount": 0,
    },
    "community_card_claim": {"state": "open", "closed_at": None},
    "community_card_scheme": {"shortest": 4, "longest": 20},
    "community_citizen_card": {
        "state": "pending",
        **dict.fromkeys(("last_day", "valid_until", "closed_at", "close_reason", "warn_at")),
    },
    "community_home": {"key": "abcdefgh234567ab", "closed_at": None},
    "community_home_automation": {"is_enabled": False},
    "community_home_command": {
        "state": "confirmed",
        **dict.fromkeys(("confirm_by", "send_at", "look_at", "fence")),
    },
    "community_home_config": {"state": "duplicate"},
    "community_home_device": {"removed_at": None},
    "community_home_entity": {"removed_at": None},
    "community_home_hub": {"error": None},
    "community_home_incident": {"over_at": None},
    "community_home_panel": {"key": "abcdefgh234567ab", "shows": ["sos"]},
    "community_home_silence": {"over_at": None},
    "community_office_sale": {"currency": "CNY", "method": "cash", "share_id": None, "slip_key": None},
    "community_office_shift": {
        "currency": "CNY",
        **dict.fromkeys(("closed_at", "closed_by", "counted_amount", "expected_amount")),
    },
    "community_ticket_allotment_share": {"released_at": None, "release_reason": None},
    "community_ticket": {
        "state": "valid",
        "reentry": "none",
        "revision": 1,
        "persons": 1,
        "valid_from": dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC),
        "valid_until": dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC),
        **dict.fromkeys(("list_amount", "price_amount", "refunded_amount"), 0),
        **dict.fromkeys(("admitted_at", "closed_at", "close_reason")),
        "addons": [],
    },
    "community_ticket_allowance": {"taken": 1, "most": 2},
    "community_ticket_order": {
        "state": "confirmed",
        "channel": "online",
        "payment_method": "provider",
        "starts_at": dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC),
        "ends_at": dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC),
        **dict.fromkeys(("payment_method_id", "hold_until", "give_back_at", "closed_at", "close_reason", "digest")),
        "currency": "CNY",
        **dict.fromkeys(("total_amount", "discount_amount", "refunded_amount"), 0),
        "lines": [],
        "terms": {},
    },
    "community_ticket_wait": {"state": "taken", "quantity": 1, "offered_until": None, "over_at": None},
    "community_order_extra": {"state": "declined", "answer_by": None, "duration": dt.timedelta(minutes=30)},
    "community_order_offer": {"state": "lapsed"},
    "community_order_search": {"state": "over", "look_at": None, "reason": None, "mode": None},
    "community_service_offer": {
        "unit": "visit",
        "currency": "CNY",
        **dict.fromkeys(("shortest", "longest", "step"), dt.timedelta(minutes=30)),
        **dict.fromkeys(("amount", "minimum_amount", "weekend_percent", "holiday_percent", "late_percent"), 0),
        "notice_period": dt.timedelta(),
        "areas": [],
        "options": [],
    },
    "community_itinerary": {
        "state": "open",
        "look_at": dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
        "ends_at": dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC),
        "currency": "CNY",
        "time_zone": "UTC",
    },
    "community_itinerary_stop": {
        "arrives_at": dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC),
        "enters_at": dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC),
        "leaves_at": dt.datetime(2026, 3, 2, 7, tzinfo=dt.UTC),
        "slot_id": None,
        "order_id": None,
        "booking": "none",
    },
    "community_order_pause": {
        "absence_id": None,
        "since_at": dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC),
        "until_at": None,
    },
    "community_order_series": {
        "state": "active",
        "plan_at": dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
        "ended_at": None,
        "end_reason": None,
        "payment_method": "provider",
        "payment_method_id": None,
        "late_percent": 0,
        "currency": "CNY",
        "time_zone": "UTC",
    },
    "community_rating": {"state": "approved", "reject_reason": None, "stars": 5},
    "community_trip": {
        "state": "over",
        **dict.fromkeys(("close_at", "call_off_reason")),
        "sign_up_until": dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
        "currency": "CNY",
        **dict.fromkeys(("price_amount", "tax_rate", "late_percent"), 0),
    },
    "community_trip_participant": {
        "state": "left",
        **dict.fromkeys(("hold_until", "answer_by", "look_at", "call_off_at", "missing_since")),
        **dict.fromkeys(("cancelled_by", "cancel_reason", "payment_method_id")),
        "payment_method": "provider",
        "currency": "CNY",
        "fee_amount": 0,
    },
    "community_trip_stop": {"roll_state": "ahead", "arrives_at": None},
    "community_trip_volunteer": {"state": "accepted"},
    "community_slot_template": {"holidays": "ignore"},
    "community_ticket_slot": {"state": "open", "cancelled_reason": None},
    "community_worker": {"latitude": None, "longitude": None, "buffer": dt.timedelta()},
    "community_worker_exception": {
        "starts_local": dt.datetime(2026, 3, 2, 9),  # noqa: DTZ001 - on the wall
        "ends_local": dt.datetime(2026, 3, 2, 12),  # noqa: DTZ001 - on the wall
    },
    "policies_day_plan": {"state": "proposed", "plan_at": None, "lease_until": None, "accepted_at": None},
    "policies_day_plan_stop": {"kind": "order", "reason": None},
    "core_audit_entry": {"details": None},
    "identity_community": {"country": "CN", "currency": "CNY", "languages": ["en"], "time_zone": "UTC"},
    "identity_account": {"time_zone": "UTC", "language": "en"},
    "identity_session": {"method": "local", "revoked_at": None},
    "identity_membership": {"role": "carer"},
    "identity_service_agreement": {"ends_at": None},
    "identity_grant": {"expires_at": None, "scopes": ["profile:read"]},
    "eldercare_alarm": {"state": "resolved", "next_step_at": None},
    "eldercare_check_in": {"state": "answered", "next_prompt_at": None, "settle_by": None, "answer_by": None},
    "eldercare_dose": {"state": "skipped", "remind_at": None, "close_at": None, "taken_at": None},
    "eldercare_meal_times": {"breakfast": dt.time(7), "lunch": dt.time(12), "dinner": dt.time(18)},
    "eldercare_regimen": {"state": "stopped", "plan_at": None},
    "eldercare_regimen_proposal": {"state": "rejected", "regimen_id": None, "next_step_at": None, "begins_at": None},
    "eldercare_regimen_version": {"timing": "as_needed", "times": [], "meals": []},
    "eldercare_proxy": {"scopes": ["profile:read"]},
    "fhir_export": {"expires_at": dt.datetime(2026, 3, 4, 8, tzinfo=dt.UTC)},
    "media_upload": {"size": 1, "received": 1},
    "reservations_reservation": {
        "state": "booked",
        "blocks_from": dt.datetime(2000, 1, 1, tzinfo=dt.UTC),
        "blocks_until": dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
    },
    "eldercare_visit_template": {"until": None, "time_zone": "UTC", "plan_at": None, "state": "ended"},
    "eldercare_visit": {
        "state": "completed",
        "staff_by": None,
        "late_at": None,
        "miss_at": None,
        "overdue_at": None,
        "time_zone": "UTC",
    },
    "eldercare_route_stop": {"account_id": None},
    "eldercare_goal": {"priority": "high-priority"},
    "eldercare_goal_change": {"achievement_status": None, "judged_on": None},
    "eldercare_visit_tolerance": {
        "scope": "care_plan",
        "late_after": dt.timedelta(minutes=15),
        "critical_missed_after": dt.timedelta(minutes=30),
    },
    "telemedicine_appointment": {
        "status": "booked",
        "hold_until": None,
        "answer_look_at": None,
        "called": None,
        "starts_at": dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
    },
    "telemedicine_availability": {"resource_id": None, "starts_minute": 540, "ends_minute": 720},
    "telemedicine_availability_exception": {
        "resource_id": None,
        "starts_local": dt.datetime(2026, 3, 2, 9),  # noqa: DTZ001 - on the wall
        "ends_local": dt.datetime(2026, 3, 2, 12),  # noqa: DTZ001 - on the wall
    },
    "telemedicine_consultation": {"state": "ended", "close_at": None},
    "telemedicine_participant": {"seat": None, "organization_id": None},
    "telemedicine_patient_link": {
        "how": "staff_check",
        "evidence": ["passport"],
        "code_id": None,
        "given_by": None,
        "ended_at": None,
        "ended_side": None,
    },
    "telemedicine_prescription": {"status": "stopped", "dispensed": 1, "expires_at": None},
    "telemedicine_prescription_renewal": {"state": "granted", "next_step_at": None},
    "telemedicine_question": {"state": "answered", "due_at": None},
    "telemedicine_referral": {
        "state": "declined",
        "follows_id": None,
        "follows_as": None,
        "due_at": None,
        "expires_at": None,
    },
    "telemedicine_shared_item": {"kind": "prescription", "number": None},
    "telemedicine_record": {"organization_id": None, "origin_kind": None, "origin_id": None, "source": "resident"},
}

KEYS: Final = {"core_person_key": base64.b64encode(bytes(32)).decode()}
"""Tables whose secrets must be what they pretend to be."""

# Words of ours in tables that are kept: codes, zones, scopes. No column in which people write belongs here.
OURS: Final = frozenset(
    {
        "billing_authorization.category",
        "billing_authorization.failure",
        "billing_authorization.reference_kind",
        "billing_card_payment.charge_ref",
        "billing_card_payment.failure",
        "billing_card_payment.gateway",
        "billing_card_payment.ref",
        "billing_card_refund.failure",
        "billing_card_refund.gateway",
        "billing_card_refund.ref",
        "billing_charge.category",
        "billing_charge.lines",
        "billing_charge.reference_kind",
        "billing_customer.gateway",
        "billing_customer.ref",
        "billing_dispute.failure",
        "billing_dispute.gateway",
        "billing_dispute.reason",
        "billing_dispute.ref",
        "billing_invoice.content",
        "billing_payment_method.gateway",
        "community_complaint_change.transition",
        "community_home.discovery_prefix",
        "community_home.time_zone",
        "community_home_panel.language",
        "community_order.category",
        "community_order.time_zone",
        "community_order_change.from_state",
        "community_order_change.reason",
        "community_order_change.transition",
        "community_trip_change.from_state",
        "community_trip_change.reason",
        "community_trip_change.transition",
        "community_ticket.needs_entitlement",
        "core_audit_entry.action",
        "core_audit_entry.actor_kind",
        "core_audit_entry.request_id",
        "eldercare_alarm.kind",
        "eldercare_alarm.outcome",
        "eldercare_alarm_entry.data",
        "eldercare_alarm_entry.kind",
        "eldercare_alarm_notice.channel",
        "eldercare_alarm_signal.kind",
        "eldercare_alarm_signal.origin_kind",
        "eldercare_alarm_signal.rule_kind",
        "eldercare_check_in.answer",
        "eldercare_check_in.channel",
        "eldercare_check_in.excuse",
        "eldercare_check_in.how",
        "eldercare_check_in.reply_code",
        "eldercare_desk_test.channels",
        "eldercare_visit_carer.despite",
        "eldercare_visit_template.end_reason",
        "identity_service_agreement.basis",
        "identity_service_agreement.scopes",
        "reservations_reservation.origin_kind",
        "reservations_resource.kind",
        "telemedicine_insurer_request.failure",
        "telemedicine_insurer_request.insurer",
    }
)


def _literals(table: sa.Table) -> dict[str, str]:
    """Return the first of the values that the table's checks allow a column to have."""
    checks = (str(check.sqltext) for check in table.constraints if isinstance(check, sa.CheckConstraint))
    return dict(found for text in checks for found in re.findall(r"^(\w+) IN \('(\w+)'", text))


def _filled(table: sa.Table, ids: Mapping[str, uuid.UUID]) -> dict[str, Any]:
    """Return a row that says what it can about the person, and refers to the rows that are there."""
    personal = PERSONAL.get(table.name)
    names = (personal.privacy.subject, *personal.privacy.also) if personal else ()
    word = KEYS.get(table.name, SAID if personal else "plain")
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.identity or isinstance(column.type, Xid8):
            continue
        if column.name == "id" and table.name in ids:
            row["id"] = ids[table.name]
            continue
        parent = next((key.column.table.name for key in column.foreign_keys), None)
        if column.name in names and column.name != "id":
            row[column.name] = ids[RESIDENT if "resident" in (parent or column.name) else ACCOUNT]
        elif parent is not None:
            row[column.name] = ids.get(parent)  # of its own kind there is none yet
        else:
            row[column.name] = _value(column, word)
    return row | _literals(table) | dict(GIVEN.get(table.name, {}))


def _value(column: sa.Column[Any], word: str) -> Any:
    if column.info.get(SEALED):
        return sealing.seal(word, f"{column.table.name}.{column.name}")
    if column.name == "starts_at":
        return clocks.now() - dt.timedelta(days=1)
    kind = column.type
    if not isinstance(kind, sa.Interval):  # others SQLModel wraps, and the wrapper does not say what it holds
        kind = getattr(kind, "impl_instance", kind)
    return [_of_kind(kind.item_type, word)] if isinstance(kind, ARRAY) else _of_kind(kind, word)


def _of_kind(kind: Any, word: str) -> Any:
    now = clocks.now()
    values: dict[type[Any], Any] = {
        sa.Uuid: clocks.new_id(),
        JSONB: {"said": word},
        sa.LargeBinary: word.encode(),
        sa.Boolean: False,
        sa.Integer: 1,
        sa.Float: 1,
        sa.Numeric: 1,
        sa.DateTime: now,
        sa.Interval: dt.timedelta(hours=1),
        sa.Date: now.date(),
        sa.Time: dt.time(8),
    }
    if isinstance(kind, sa.String):
        return word[: kind.length]
    return next(value for of, value in values.items() if isinstance(kind, of))


async def _write_everything() -> dict[str, uuid.UUID]:
    """Insert one row into every table; return their ids by table."""
    ids = {ACCOUNT: clocks.new_id(), RESIDENT: clocks.new_id()}
    async with unit_of_work() as session:
        for table in _with_parents():
            row = _filled(table, ids)
            await session.execute(sa.insert(table), row)
            if "id" in row:
                ids[table.name] = row["id"]
    return ids


async def _readable() -> set[str]:
    """Return every column of a personal table in which the word can still be read."""
    found = set()
    async with reading() as connection:
        for personal in PERSONAL.values():
            for row in await connection.execute(sa.select(personal.table)):
                found |= {
                    f"{personal.table.name}.{column.name}"
                    for column, value in zip(personal.table.columns, row, strict=True)
                    if SAID in _opened(column, value)
                }
    return found


def _opened(column: sa.Column[Any], value: Any) -> str:
    if column.table.name == "core_audit_entry" and column.name == "details":
        return ""  # sealed with the person's own key: the tests of erasures see it go
    if value and column.info.get(SEALED):
        return sealing.unseal(value, f"{column.table.name}.{column.name}")
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


@pytest.fixture
async def written(client: httpx.AsyncClient, clock: ManualClock) -> dict[str, uuid.UUID]:
    return await _write_everything()


async def test_an_export_hands_out_every_table(written: dict[str, uuid.UUID]) -> None:
    async with reading() as connection:
        found = await privacy.export_subject(connection, [written[ACCOUNT], written[RESIDENT]])
    assert set(PERSONAL) == set(found)


async def test_an_erasure_leaves_nothing_to_be_read(client: httpx.AsyncClient, written: dict[str, uuid.UUID]) -> None:
    assert await _readable() > OURS
    async with unit_of_work() as session:
        row = await session.get_one(AccountSession, written["identity_session"])
    answer = await client.delete("/v1/me", headers=access_headers(row))
    assert answer.status_code == 204, answer.text
    assert await _readable() == OURS
