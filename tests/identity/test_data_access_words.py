"""A resident who asks who looked at their data is told of what, and not that it was something."""

import re
from typing import Final

from app.identity.data_accesses.texts import _THINGS, READING, is_reading, tell
from app.identity.scopes import ALL
from tests.conftest import ROOT

_SOURCES: Final = [
    path.read_text()
    for package in ("app", "eldercare", "telemedicine", "community", "notifications")
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts
]
_ACTION: Final = re.compile(r"\"([a-z][a-z_]*):([a-z_]+)\"")
_READ: Final = re.compile(r"\b(?:traced|traced_each|trace_read)\([^()]*(?:\([^()]*\)[^()]*)*?\"([a-z_]+:[a-z_]+)\"")
# Of organizations, of the house, or of a person's own sign-in: no resident's trail has them.
_NOBODYS: Final = {
    *(
        "about",
        "account",
        "api_client",
        "api_key",
        "broadcast",
        "carer",
        "carer_absence",
        "community",
        "delivery",
        "desk_script",
    ),
    *("desk_shift", "desk_test", "holidays", "installation", "invitation", "member", "organization", "passkey"),
    *(
        "availability",
        "availability_exception",
        "clinic",
        "clinic_location",
        "clinic_resource",
        "department",
        "queue_display",
    ),
    *("billing_terms", "charge_item", "issuer", "programme", "practitioner", "practitioner_schedule", "visit_type"),
    *("home_service", "service_offer", "worker", "worker_exception", "worker_skill", "worker_skills"),
    *("roll_call", "trip_plan", "trip_volunteer"),
    *("attraction", "attraction_exception", "attractions"),
    *("slot_guides", "slot_template", "ticket_addon", "ticket_product", "ticket_quota", "ticket_slot", "ticket_terms"),
    *("admission_conflict", "slot_cancellation", "gate", "gate_rules", "ticket_key", "voucher"),
    *("payment_method", "payout_account", "payout_terms", "platform_fee", "transfer"),
    *("allocation", "busy_calendar", "busy_calendars", "calendar_feed", "pool", "reservation", "resource"),
    *("card_scheme", "office_sale", "office_shift", "ticket_allotment"),
    "parked_item",
    "mdi",  # whose icons panels name
    *("day_plan", "report", "route_plan", "second_factor", "session", "shift", "subscription", "timesheet"),
}


def test_whatever_a_resident_can_find_in_their_trail_has_words_in_every_language() -> None:
    things = {thing for text in _SOURCES for thing, verb in _ACTION.findall(text) if f"{thing}:{verb}" not in ALL}
    for words in _THINGS.values():
        assert things - _NOBODYS <= set(words)


def test_what_only_looks_is_told_as_having_looked() -> None:
    looks = {action for text in _SOURCES for action in _READ.findall(text)}
    assert "location:read" in looks
    assert {action for action in looks if not is_reading(action)} == set()
    assert {action.partition(":")[2] for action in looks} <= READING


def test_where_somebody_is_has_words_of_its_own() -> None:
    assert tell("en", "location:read", "account", "Ann") == "Ann looked at where you are."
    assert tell("zh-CN", "positions:list", "client", None) == "某系统查看了您到过的位置。"
