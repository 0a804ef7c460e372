"""What is signed is what Standard Webhooks says, retries grow for three days, and only what is dead is disabled."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policies.reactions.webhooks.subscribers import OUTWARD
from notifications.templates.completeness import complaints
from notifications.webhooks import notices, rules
from notifications.webhooks.catalogue import TEST, WebhookEvent, webhook_events
from notifications.webhooks.rules import GIVE_UP_AFTER, LONGEST_DELAY, Ended, Result

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_a_signature_is_that_of_the_standards_own_example() -> None:
    signed = rules.sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_are_long_and_differ() -> None:
    first, second = rules.new_secret(), rules.new_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


@given(attempts=st.integers(1, 1_000), asked=st.none() | st.integers(-10, 100_000))
def test_the_next_attempt_is_later_each_time_and_not_before_it_is_wanted(attempts: int, asked: int | None) -> None:
    wanted = NOW + timedelta(seconds=asked) if asked is not None else None
    again = rules.next_attempt(NOW, attempts, wanted)
    assert again > NOW
    assert again <= max(NOW + LONGEST_DELAY * 1.25, wanted or NOW)
    assert wanted is None or again >= wanted


def test_a_delivery_is_tried_for_three_days_and_not_too_often() -> None:
    now, attempts = NOW, 0
    while True:
        attempts += 1
        settled = rules.settle("alarm.raised", attempts, NOW, Result(500), now, enabled=True)
        if settled.send_at is None:
            break
        now = settled.send_at
    assert settled.state == "failed"
    assert GIVE_UP_AFTER - LONGEST_DELAY * 1.25 <= now - NOW < GIVE_UP_AFTER
    assert 15 <= attempts <= 40


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_success_is_one(status: int) -> None:
    assert rules.settle("alarm.raised", 1, NOW, Result(status), NOW, enabled=True).state == "delivered"


@pytest.mark.parametrize("status", [199, 301, 302, 307, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status: int) -> None:
    settled = rules.settle("alarm.raised", 1, NOW, Result(status), NOW, enabled=True)
    assert (settled.state, settled.error) == ("queued", f"http_{status}")


def test_what_is_gone_disabled_or_a_test_is_not_tried_again() -> None:
    for event, result, enabled in (
        ("alarm.raised", Result(410), True),
        ("alarm.raised", Result(500), False),
        (TEST, Result(error="timeout"), True),
    ):
        assert rules.settle(event, 1, NOW, result, NOW, enabled=enabled).state == "failed"


def test_an_endpoint_is_disabled_when_it_took_nothing_while_a_delivery_was_tried() -> None:
    given_up = Ended("alarm.raised", NOW, gone=False)
    assert rules.reason_to_disable([given_up], None) == "failing"
    assert rules.reason_to_disable([given_up], NOW - timedelta(seconds=1)) == "failing"
    assert rules.reason_to_disable([given_up], NOW + timedelta(seconds=1)) is None
    assert rules.reason_to_disable([Ended(TEST, NOW, gone=False)], None) is None
    assert rules.reason_to_disable([Ended(TEST, NOW, gone=True)], None) == "gone"
    assert rules.reason_to_disable([], None) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("Mon, 02 Mar 2026 08:05:00 GMT", 300),
        ("999999999999999999999", None),
        ("99999999", 86_400),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_when_an_endpoint_wants_to_be_asked_again(header: str | None, seconds: int | None) -> None:
    expected = NOW + timedelta(seconds=seconds) if seconds is not None else None
    assert rules.retry_at(header, NOW) == expected


def test_the_published_events_carry_ids_only() -> None:
    assert {event.name for event in OUTWARD.values()} == set(webhook_events())
    what = {
        "alarm": "raised acknowledged resolved",
        "appointment": "booked moved cancelled status_changed offered expired reproposed request_ended requested "
        "unanswered",
        "bill": "state_changed",
        "charge": "opened credited paid reopened",
        "check_in": "missed",
        "consultation": "started closed note_signed",
        "dispute": "opened closed",
        "dose": "taken skipped missed record_withdrawn",
        "health_record": "written withdrawn",
        "order": "placed assigned unassigned set_out started finished closed no_access cancelled",
        "question": "state_changed",
        "referral": "overdue state_changed",
        "visit": "assigned carer_removed moved suspended resumed cancelled started completed missed",
    }
    assert set(webhook_events()) == {f"{thing}.{one}" for thing, said in what.items() for one in said.split()}
    for name, ids in (("Alarm Raised", ("alarm_id",)), ("alarm.told", ("name",)), (TEST, ())):
        with pytest.raises(ValueError, match=r"outward|carries"):
            WebhookEvent(name=name, scope="alarms:read", object_ids=ids, description="")
    with pytest.raises(ValueError, match="two outward events"):
        WebhookEvent(name="alarm.raised", scope="profile:read", object_ids=(), description="")


def test_the_notice_has_its_texts() -> None:
    assert complaints(notices.DISABLED) == []
