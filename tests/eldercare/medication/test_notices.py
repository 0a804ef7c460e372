"""What people are told of medication is complete in every language, and is no advice."""

import re
from collections.abc import Iterator

import pytest

from app.core.problems import Problem
from eldercare.medication import notices, problems
from notifications.templates.completeness import complaints
from notifications.templates.examples import rendered
from notifications.templates.notices import Notice
from notifications.templates.notices import notices as declared

OURS: list[Notice] = [notice for notice in declared().values() if notice.package == notices.__package__]
# What somebody would be told to do about a dose that is late, was missed or is taken twice.
ADVICE = {
    "en": r"\b(take|skip|double|half|wait|stop|should|must|instead|next dose|doctor|physician|pharmac\w+)\b",
    "zh-CN": r"请服|补服|补吃|跳过|加倍|减半|停药|应该|必须|不要|下一次|医生|药师|药剂师",
}


def test_every_notice_has_all_its_texts() -> None:
    assert len(OURS) == 3
    assert [complaint for notice in OURS for complaint in complaints(notice)] == []


def texts(language: str) -> Iterator[str]:
    """Yield everything that is said of a dose: notices on each channel, and what is refused or warned of."""
    for notice in OURS:
        for channel in notice.channels:
            text = rendered(notice, channel, language)
            yield f"{text.title} {text.body}"
    if language == "en":
        yield from (one.title for one in vars(problems).values() if isinstance(one, type) and issubclass(one, Problem))


@pytest.mark.parametrize("language", ADVICE)
def test_no_text_says_what_to_do_about_a_dose(language: str) -> None:
    said = list(texts(language))
    assert len(said) >= sum(len(notice.channels) for notice in OURS)
    assert [text for text in said if re.search(ADVICE[language], text, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Take it now."), ("en", "Do not take a double dose."), ("zh-CN", "请服用。"), ("zh-CN", "请勿加倍。")],
)
def test_advice_would_be_found(language: str, text: str) -> None:
    assert re.search(ADVICE[language], text, re.IGNORECASE)
