"""The registers of personal data, as the command prints them."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from app import assembly
from app.cli.__main__ import app
from app.core import privacy
from app.core.settings import Settings, install_settings

assembly.load_tables()

TWILIO = "standard contract filed with the CAC"


@pytest.fixture
def abroad(test_settings: Settings) -> Iterator[None]:
    """Run on settings that send pushes, messages and mail, from China."""
    values: dict[str, Any] = {
        "push": {"providers": ["fcm", "webpush"], "fcm_project": "home"},
        "webpush": {"private_key": "A" * 43, "subject": "mailto:care@example.org"},
        "messages": {"sms": "twilio", "mail": "smtp"},
        "twilio": {"account_sid": "AC1", "auth_token": "secret", "from_number": "+12025550199"},
        "smtp": {"host": "mail.example.org", "sender": "care@example.org"},
        "privacy": {"country": "CN", "countries": {"smtp": "CN"}, "safeguards": {"twilio": TWILIO}},
    }
    install_settings(Settings(environment="test", directory=test_settings.directory, **values))
    yield
    install_settings(test_settings)


def printed(*options: str, columns: int = 240) -> str:
    result = CliRunner().invoke(app, ["privacy", "register", *options], env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, result.output
    return result.output


def personal() -> set[str]:
    return {str(found.table.name) for found in privacy.personal_tables()}


def test_every_table_with_personal_data_is_in_the_register(test_settings: Settings) -> None:
    rows = list(csv.DictReader(io.StringIO(printed("--format", "csv"))))
    assert {row["table"] for row in rows} == personal()
    assert [row["purpose"] for row in rows] == sorted(row["purpose"] for row in rows)
    for row in rows:
        assert re.match(r"Art\. 6\(1\)\([a-e]\)", row["gdpr"])
        assert re.match(r"Art\. 13\(1\) no\. [1-4]", row["pipl"])
        assert all(row.values()), row
    (alarm,) = (row for row in rows if row["table"] == "eldercare_alarm")
    assert (alarm["basis"], alarm["gdpr"]) == ("vital interests", "Art. 6(1)(d); Art. 9(2)(c)")
    assert (alarm["kept"], alarm["enforced_by"]) == ("3 years after closed_at", "core.forget_what_is_past")


def test_the_tables_are_grouped_by_their_purpose(test_settings: Settings) -> None:
    document = json.loads(printed("--format", "json"))
    purposes = [group["purpose"] for group in document["processing"]]
    assert len(set(purposes)) == len(purposes)
    (factor,) = (group for group in document["processing"] if group["purpose"] == "second factor at sign-in")
    held = {table["table"] for table in factor["tables"]}
    assert held == {"identity_authenticator_app", "identity_passkey", "identity_recovery_code"}


def test_what_goes_abroad_follows_the_configured_providers(abroad: None) -> None:
    rows = {row["provider"]: row for row in csv.DictReader(io.StringIO(printed("--format", "csv", "--transfers")))}
    assert {name: (row["country"], row["abroad"]) for name, row in rows.items()} == {
        "fcm": ("US", "yes"),
        "webpush": ("not known", "not known"),
        "twilio": ("US", "yes"),
        "smtp": ("CN", "no"),
        "webhooks": ("not known", "not known"),
    }
    safeguards = {name: row["safeguard"] for name, row in rows.items()}
    assert (safeguards["twilio"], safeguards["fcm"], safeguards["smtp"]) == (TWILIO, "none recorded", "none needed")
    assert rows["fcm"]["tables"] == "identity_installation; notifications_delivery"
    assert "identity_contact_point" in rows["twilio"]["tables"]


def test_where_nothing_is_configured_only_organizations_receive_anything(test_settings: Settings) -> None:
    document = json.loads(printed("--format", "json"))
    assert [row["provider"] for row in document["transfers"]] == ["webhooks"]


def test_the_tables_are_shown_to_people_too(abroad: None) -> None:
    shown = printed()
    assert "What is held about people" in shown
    assert "What leaves the house" in shown
    assert all(name in shown for name in ("eldercare_alarm", "fcm", TWILIO))


def test_a_narrow_terminal_cuts_nothing_off(abroad: None) -> None:
    shown = printed(columns=80)
    assert "…" not in shown
    assert [name for name in personal() if name not in shown] == []


def test_who_is_known_by_name_to_others_is_said_to_be(test_settings: Settings) -> None:
    rows = {row["table"]: row for row in csv.DictReader(io.StringIO(printed("--format", "csv")))}
    assert rows["identity_account"]["recipients"].split("; ") == [
        "the people whom the resident lets see it",
        "the organizations that serve the resident under an agreement",
        "the organization the person works for",
    ]
    assert rows["identity_session"]["recipients"] == "nobody but who runs the service"
    assert rows["identity_session"]["health_data"] == "none"
