"""What an export must not give away, what it must not leave out, and how a prescription reads in FHIR."""

import re
from datetime import date, time, timedelta
from typing import Any, Final

import httpx
import pytest
import sqlalchemy as sa

from app import assembly
from app.core import privacy
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.tables import SEALED, table_of
from app.identity.second_factor.models import AuthenticatorApp
from eldercare.api import timing
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity as make
from tests.factories.sign_in import sign_in

assembly.load_tables()

_SECRETS: Final = re.compile(r"(^|_)(secret|token|key|web_push)$")
# The resident's own account, beside their own id.
_OWN_ACCOUNT: Final = {
    "community_itinerary",
    "community_order",
    "community_order_series",
    "community_ticket_order",
    "community_ticket_wait",
    "eldercare_check_in",
    "eldercare_check_in_plan",
    "eldercare_dose",
    "eldercare_regimen",
    "eldercare_safe_zone",
    "eldercare_tracking",
    "eldercare_visit",
    "eldercare_visit_template",
    "eldercare_wellbeing_watch",
    "telemedicine_appointment",
    "telemedicine_bill",
    "telemedicine_queue_ticket",
    "telemedicine_waitlist_entry",
}


@pytest.mark.parametrize("personal", privacy.personal_tables(), ids=lambda personal: personal.table.name)
def test_no_secret_is_handed_out(personal: privacy.PersonalTable) -> None:
    sealed = {column.name for column in personal.table.columns if column.info.get(SEALED)}
    secret = {name for name in sealed if _SECRETS.search(name)}
    assert secret <= set(personal.privacy.withheld)


@pytest.mark.parametrize("personal", privacy.personal_tables(), ids=lambda personal: personal.table.name)
def test_whoever_a_row_is_about_is_handed_it(personal: privacy.PersonalTable) -> None:
    table, named = personal.table, {personal.privacy.subject, *personal.privacy.also}
    people = {column.name for column in table.columns if re.search(r"(^|_)(account|resident)_id$", column.name)}
    if table.name in _OWN_ACCOUNT or table.name == "identity_device_credential":
        people -= {"account_id", "resident_id"}
    assert people <= named


async def test_an_export_hands_out_no_key_to_the_account(
    client: httpx.AsyncClient, database: object, clock: ManualClock
) -> None:
    person = await make.operator(await make.community(), phone="+8613800000009")
    headers = await sign_in(person)
    setup = await client.post("/v1/me/second-factor/authenticator-app", headers=headers, json={})
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(table_of(AuthenticatorApp))) == 1, (
            setup.text
        )
    tables = (await client.get("/v1/me/export", headers=headers)).json()["tables"]
    assert "secret" not in tables["identity_authenticator_app"]["rows"][0]


async def test_whom_a_resident_lets_see_something_is_handed_that_and_the_resident_who_was_told(
    client: httpx.AsyncClient, database: object, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=1)
    await alarms.raised(scene.resident)
    await alarms.climb()
    tables = (await client.get("/v1/me/export", headers=await sign_in(scene.circle[0]))).json()["tables"]
    (grant,) = tables["identity_grant"]["rows"]
    assert (grant["grantee_account_id"], grant["resident_id"]) == (str(scene.circle[0].id), str(scene.resident.id))
    async with reading() as connection:
        found = await privacy.export_subject(connection, [scene.resident.id])
    assert {row["account_id"] for row in found["eldercare_alarm_notice"]} >= {scene.circle[0].id}


def _version(**values: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "timing": "times",
        "times": [time(8, 30)],
        "meals": [],
        "meal_offset": timedelta(),
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "rrule": None,
        "starts_on": date(2026, 3, 4),  # a Wednesday
    }
    return defaults | values


@pytest.mark.parametrize(
    ("rule", "repeat"),
    [
        ("FREQ=DAILY;INTERVAL=2", {"frequency": 1, "period": 2, "periodUnit": "d"}),
        ("FREQ=DAILY", {"frequency": 1, "period": 1, "periodUnit": "d"}),
        ("FREQ=WEEKLY", {"frequency": 1, "period": 1, "periodUnit": "wk", "dayOfWeek": ["wed"]}),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH",
            {"frequency": 2, "period": 2, "periodUnit": "wk", "dayOfWeek": ["mon", "thu"]},
        ),
    ],
)
def test_what_is_not_taken_every_day_says_so_in_fhir(rule: str, repeat: dict[str, Any]) -> None:
    assert timing(_version(rrule=rule)) == {"repeat": {**repeat, "timeOfDay": ["08:30:00"]}}


@pytest.mark.parametrize("rule", ["FREQ=MONTHLY", "FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;BYDAY=1MO", "FREQ=DAILY;BYDAY=MO"])
def test_a_rule_fhir_has_no_words_for_stands_there_as_it_is(rule: str) -> None:
    assert timing(_version(rrule=rule)) == {"code": {"text": rule}}
