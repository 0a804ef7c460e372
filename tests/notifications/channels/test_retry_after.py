"""What ``Retry-After`` may say: whoever answers writes it, so anything may stand there."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.channels.http import LONGEST_PAUSE, retry_after

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("30", timedelta(seconds=30)),
        ("999999", LONGEST_PAUSE),
        ("9" * 20, LONGEST_PAUSE),
        ("9" * 5000, LONGEST_PAUSE),
        ("Mon, 02 Mar 2026 08:05:00 GMT", timedelta(minutes=5)),
        ("Mon, 02 Mar 2020 08:05:00 GMT", timedelta(0)),
        ("Mon, 02 Mar 99999999999999999999 08:05:00 GMT", None),
        ("²", None),
        ("-1", None),
        ("soon", None),
        ("", None),
    ],
)
def test_it_is_never_more_than_an_hour_and_nonsense_is_nothing(text: str, pause: timedelta | None) -> None:
    assert retry_after({"Retry-After": text}, NOW) == pause
