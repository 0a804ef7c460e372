"""Texts: in the reader's language and zone, complete in every language, and never half-rendered."""

import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import assembly
from notifications.api import Notice
from notifications.templates.completeness import complaints
from notifications.templates.notices import notices
from notifications.templates.rendering import CannotRender, Reader, render
from notifications.templates.texts import language_for
from notifications.templates.variables import encode
from tests.notifications.notices import ALARM, NEWS, PROMPT

GRACE = uuid.UUID(int=3)
DUE = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
NAMES = {GRACE: "Grace"}
STORED = encode(PROMPT.variables, {"resident": GRACE, "due_at": DUE})


def reader(language: str, time_zone: str = "Asia/Shanghai") -> Reader:
    return Reader("Ada", language, time_zone)


def test_every_notice_has_all_its_texts_in_every_language() -> None:
    assembly.load_tables()
    assert [complaint for notice in notices().values() for complaint in complaints(notice)] == []


def test_instants_are_told_in_the_readers_zone_and_language() -> None:
    english = render(PROMPT, "inbox", reader("en"), STORED, NAMES)
    assert english.title == "Your check-in"
    assert english.body == "Grace, on Mon, Mar 2 at 7:30\u202fAM we asked how you are."
    chinese = render(PROMPT, "inbox", reader("zh-CN", "Europe/Berlin"), STORED, NAMES)
    assert chinese.body == "Grace，我们于3月2日周一00:30问候您。"


def test_a_message_has_no_title() -> None:
    text = render(PROMPT, "sms", reader("en"), STORED, NAMES)
    assert (text.title, text.language) == (None, "en")
    assert text.body.startswith("Grace: please answer by Mar 2, 2026")


@pytest.mark.parametrize(
    ("wanted", "served"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("zh-CN", "zh-CN"),
        ("zh-Hans-SG", "zh-CN"),
        ("zh", "zh-CN"),
        ("de", "en"),
        ("", "en"),
    ],
)
def test_a_reader_of_another_language_is_served_the_closest(wanted: str, served: str) -> None:
    assert language_for(wanted) == served


@pytest.mark.parametrize(("count", "line"), [(1, "1 person has read it."), (1200, "1,200 people have read it.")])
def test_own_words_are_opened_and_plurals_formed(count: int, line: str) -> None:
    stored = encode(NEWS.variables, {"headline": "Dance & tea <3", "count": count})
    text = render(NEWS, "mail", reader("en"), stored, {})
    assert text.body == f"Dance & tea <3\n{line}"


def test_what_cannot_be_rendered_says_so_without_a_value() -> None:
    with pytest.raises(CannotRender) as missing:
        render(PROMPT, "push", reader("en"), {"resident": str(GRACE)}, NAMES)
    with pytest.raises(CannotRender):
        render(PROMPT, "voice", reader("en"), STORED, NAMES)
    with pytest.raises(CannotRender):
        render(NEWS, "mail", reader("en"), {"headline": "not sealed", "count": 1}, {})
    assert str(missing.value) == "tests.prompt for push: KeyError"


def test_a_template_cannot_reach_into_python(tmp_path: Path) -> None:
    notice = _notice(tmp_path, "[push]\ntitle = 'x'\nbody = '{{ recipient.__class__.__mro__ }}'\n")
    with pytest.raises(CannotRender):
        render(notice, "push", reader("en"), {}, {})


def _notice(directory: Path, text: str) -> Notice:
    """Return a notice that is not registered, with its texts under a package of its own."""
    name = f"made_{directory.name}_texts"
    package = directory / name
    (package / "texts" / "made").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for language in ("en", "zh-CN"):
        (package / "texts" / "made" / f"{language}.toml").write_text(text)
    notice = object.__new__(Notice)
    defaults = {"mode": "all", "variables": {"count": "integer", "words": "text"}, "useful_for": PROMPT.useful_for}
    given = {"key": f"{name}.made", "category": "tests", "urgency": "low", "channels": ("push",), "package": name}
    for field, value in (defaults | given).items():
        object.__setattr__(notice, field, value)
    return notice


@pytest.fixture(autouse=True)
def _importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[sms]\ntext = 'x'\n", "no section for push"),
        ("[push]\ntitle = 'x'\n", "expected ['body', 'title'], found ['title']"),
        ("[push]\ntitle = 'x'\nbody = '{{ mood }}'\n", "body uses mood, which the notice does not declare"),
        ("[push]\ntitle = 'x'\nbody = '{{ count | nonsense }}'\n", "body does not parse"),
        ("[push]\ntitle = 'x'\nbody = ''\n", "push renders to nothing"),
        ("[push]\ntitle = 'x'\nbody = '" + "长" * 400 + "'\n", "push is longer than 1024 bytes"),
        ("[push]\ntitle = 'x'\nbody = '{{ words }}'\n", "body shows words, somebody's own words, on a locked screen"),
        ("not toml", "in en: "),
    ],
)
def test_an_incomplete_text_is_found(tmp_path: Path, text: str, complaint: str) -> None:
    found = complaints(_notice(tmp_path, text))
    assert any(complaint in line for line in found), found


def test_a_notice_is_declared_once_and_well() -> None:
    same = Notice(
        key="tests.alarm",
        category="tests",
        urgency="critical",
        channels=("push", "sms"),
        package="tests.notifications",
        variables={"resident": "resident"},
    )
    assert same == ALARM
    with pytest.raises(ValueError, match="two notices"):
        Notice(key="tests.alarm", category="tests", urgency="low", channels=("push",), package="tests.notifications")
    with pytest.raises(ValueError, match="key"):
        Notice(key="alarm", category="tests", urgency="low", channels=("push",), package="tests.notifications")
    with pytest.raises(ValueError, match="channels"):
        Notice(key="tests.none", category="tests", urgency="low", channels=(), package="tests.notifications")
