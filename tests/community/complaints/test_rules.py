"""What a complaint may become, and what is given back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from community.complaints import rules

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
kinds, severities = st.sampled_from(sorted(rules.PERCENT)), st.sampled_from(["minor", "serious", "total"])


@given(kinds, severities, st.integers(0, 10**9), st.integers(0, 10**9))
def test_no_more_is_given_back_than_is_left(
    kind: rules.ComplaintKind, severity: rules.Severity, price: int, credited: int
) -> None:
    left = max(0, price - credited)
    assert 0 <= rules.refund(kind, severity, price, left) <= left


def test_the_worse_it_was_the_more_is_given_back() -> None:
    for percent in rules.PERCENT.values():
        assert 0 < percent["minor"] <= percent["serious"] <= percent["total"] <= 100


def test_every_open_state_has_a_deadline_and_no_closed_one() -> None:
    for state in ("open", "answered", "unanswered", "decided", "withdrawn"):
        found = rules.deadlines(state, NOW)
        assert (found.answer_by is None and found.decide_by is None) == (state in rules.OVER)


def test_nobody_decides_before_the_provider_was_heard_or_kept_silent() -> None:
    assert not rules.may("decide", "open", "operator")
    assert rules.may("decide", "unanswered", "operator")
    assert not rules.may("decide", "answered", "provider")


def test_of_what_somebody_complains() -> None:
    ended = NOW - timedelta(days=1)
    assert rules.may_complain("closed", ended, NOW, owes=False)
    assert not rules.may_complain("cancelled", ended, NOW, owes=False)
    assert rules.may_complain("no_access", ended, NOW, owes=True)
    assert not rules.may_complain("closed", NOW - rules.WITHIN, NOW, owes=False)


def test_the_guide_has_the_states_and_the_percentages() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "ratings-and-complaints.md").read_text().splitlines()
    states = [
        f"| `{name}` | {', '.join(sorted(way.sources))} | {way.target} | {way.who} |"
        for name, way in rules.WAYS.items()
    ]
    percents = [f"| {kind} | {' | '.join(f'{one} %' for one in of.values())} |" for kind, of in rules.PERCENT.items()]

    assert [line for line in guide if line.startswith("| `")] == states
    assert [line for line in guide if line.endswith("% |")] == percents
