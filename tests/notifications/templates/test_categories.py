"""Categories: every notice has a declared one, with a name in every language, and none contradicts itself."""

from datetime import timedelta

import pytest

from app import assembly
from notifications.digests.notices import DIGEST
from notifications.templates.categories import Cap, Category, categories
from notifications.templates.notices import notices
from notifications.templates.rendering import Reader, render
from notifications.templates.texts import LANGUAGES
from notifications.templates.variables import encode


def test_the_category_of_every_notice_is_declared_and_has_a_name_in_every_language() -> None:
    assembly.load_tables()
    assert {notice.category for notice in notices().values()} <= set(categories())
    assert {tuple(category.names) for category in categories().values()} == {LANGUAGES}


def test_alarms_being_asked_and_the_account_can_be_neither_silenced_nor_held() -> None:
    for key in ("alarms", "check_ins", "account"):
        category = categories()[key]
        assert (category.mutable, category.digestible, category.breaks_quiet_hours, category.cap) == (
            False,
            False,
            True,
            None,
        )


@pytest.mark.parametrize("made_to_wait", [{"cap": None}, {"digestible": False}])
def test_what_is_worth_waking_somebody_for_is_not_made_to_wait(made_to_wait: dict[str, bool | None]) -> None:
    with pytest.raises(ValueError, match="made to wait"):
        Category(key="tests_odd", names={}, breaks_quiet_hours=True, **made_to_wait)  # type: ignore[arg-type]  # either


def test_a_key_is_declared_once() -> None:
    with pytest.raises(ValueError, match="two categories"):
        Category(key="account", names={}, cap=Cap(1, timedelta(hours=1)))


@pytest.mark.parametrize(
    ("language", "title", "body"),
    [
        ("en", "1,003 new messages", "Care circle × 1,002 and Access to my data × 1. Open the app to read."),
        ("zh-CN", "1,003条新消息", "关怀圈 × 1,002和我的数据访问 × 1。请打开应用查看。"),
    ],
)
def test_a_digest_says_how_many_of_what_and_no_more(language: str, title: str, body: str) -> None:
    stored = encode(DIGEST.variables, {"count": 1003, "contents": "care_circle=1002 access=1"})
    text = render(DIGEST, "push", Reader("Ada", language, "Asia/Shanghai"), stored, {})
    assert (text.title, text.body) == (title, body)
