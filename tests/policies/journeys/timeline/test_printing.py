"""The care record on paper: what is in the file is on the paper, for whom it may be, in both languages."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pypdf
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.core import typesetting
from app.core.clock import ManualClock
from app.core.database import reading
from app.policies.journeys.timeline.rules.kinds import KINDS, SCOPES
from app.policies.journeys.timeline.rules.printing import Lines, holds, sections
from app.policies.journeys.timeline.rules.words import words_of
from app.policies.journeys.timeline.service import printing
from eldercare.alarms.models import AlarmState
from eldercare.medication.rules import SkipReason
from eldercare.response.schemas import Outcome
from tests.factories import eldercare_vitals as vitals
from tests.factories import identity
from tests.factories.lived import Lived, force
from tests.factories.sign_in import sign_in, sign_in_resident

ENGLISH = {"title": "Care record", "doses": "Doses", "readings": "Vital signs", "visits": "Visits", "alarms": "Alarms"}
CHINESE = {"title": "照护记录", "doses": "用药", "readings": "生命体征", "visits": "上门服务", "alarms": "警报"}


def span(lived: Lived) -> dict[str, str]:
    return {"from": lived.start.isoformat(), "to": (lived.start + timedelta(days=1)).isoformat()}


async def printed(
    client: httpx.AsyncClient, headers: dict[str, str], path: str = "/v1/me", **query: Any
) -> pypdf.PdfReader:
    """Return the printed record."""
    answer = await client.get(f"{path}/timeline/printed-record", headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert int(answer.headers["content-length"]) == len(answer.content)
    return pypdf.PdfReader(io.BytesIO(answer.content))


def text_of(document: pypdf.PdfReader) -> str:
    """Return all that a document says; where lines break says nothing."""
    return " ".join(" ".join(page.extract_text() for page in document.pages).split())


def headings(document: pypdf.PdfReader) -> list[str]:
    """Return what a reader jumps to: the names of the sections."""
    return [str(entry["/Title"]) for entry in document.outline if not isinstance(entry, list)]


def squeezed(text: str) -> str:
    """Return a text without spaces, as Chinese lines break anywhere, and without the marks beside what matters."""
    return "".join(text.replace("●", "").split())


@pytest.mark.parametrize(("language", "names"), [("en", ENGLISH), ("zh-CN", CHINESE)])
async def test_all_that_is_in_the_file_is_on_paper_in_the_readers_language(
    client: httpx.AsyncClient, lived: Lived, language: str, names: dict[str, str]
) -> None:
    headers = await sign_in_resident(lived.resident) | {"Accept-Language": language}
    document = await printed(client, headers, **span(lived))
    said = squeezed(text_of(document))
    answer = await client.get("/v1/me/timeline/record", headers=headers, params=span(lived))
    _, *lines = list(csv.reader(io.StringIO(answer.text)))
    assert len(lines) == len(KINDS)  # one of each
    for at, _, _, _, text, _ in lines:
        assert squeezed(f"{datetime.fromisoformat(at):%H:%M}{text}") in said
    assert headings(document)[-4:] == [names[key] for key in ("doses", "readings", "visits", "alarms")]
    assert document.metadata is not None
    assert document.metadata.title == f"{names['title']} – Grace"
    assert str(document.root_object["/Lang"]) == {"en": "en-US", "zh-CN": "zh-CN"}[language]


async def test_a_sheet_says_whose_it_is_of_when_for_whom_and_which_it_is(
    client: httpx.AsyncClient, lived: Lived, clock: ManualClock
) -> None:
    morning = lived.start.replace(hour=0)
    for day in range(60):
        await vitals.reading(lived.resident, 60 + day, measured_at=morning - timedelta(days=day))
    await identity.grant(lived.resident, lived.relative, ["vitals:read"])
    path = f"/v1/residents/{lived.resident.id}"
    since = (morning - timedelta(days=90)).isoformat()
    document = await printed(client, await sign_in(lived.relative), path, **span(lived) | {"from": since})
    assert len(document.pages) > 2
    for number, page in enumerate(document.pages, 1):
        sheet = " ".join(page.extract_text().split())
        assert f"Page {number} of {len(document.pages)}" in sheet
        assert "Asked for by: Daughter" in sheet
        assert "Printed: Mar 2, 2026 14:00" in sheet
        assert ("Grace" in sheet, "December 2, 2025 to March 3, 2026" in sheet) == (True, True)
    (of_days,) = (entry for entry in document.outline if isinstance(entry, list))
    days = [entry.title for entry in of_days if isinstance(entry, pypdf.generic.Destination)]
    assert days[0] == "Friday, January 2, 2026"
    assert list(dict.fromkeys(days))[-1] == "Monday, March 2, 2026"


async def test_of_what_one_may_not_see_there_is_nothing_on_paper(client: httpx.AsyncClient, lived: Lived) -> None:
    await identity.grant(lived.resident, lived.relative, ["check_ins:read", "visits:read"])
    headers = await sign_in(lived.relative)
    document = await printed(client, headers, f"/v1/residents/{lived.resident.id}", **span(lived))
    assert headings(document) == ["At a glance", "Day by day", "Visits"]
    said = text_of(document)
    assert "Nobody came to a visit." in said
    for hidden in ("dose", "medication", "Heart rate", "72", "limits", "Vital", "Alarm:", "care circle"):
        assert hidden not in said
    async with reading() as connection:
        statement = sa.text("SELECT actor_id, resident_id FROM core_audit_entry WHERE action = 'timeline:read'")
        assert [tuple(row) for row in await connection.execute(statement)] == [(lived.relative.id, lived.resident.id)]


async def test_it_can_be_of_some_kinds_alone_and_of_nothing(client: httpx.AsyncClient, lived: Lived) -> None:
    headers = await sign_in_resident(lived.resident)
    document = await printed(client, headers, **span(lived), kind=["reading"])
    assert headings(document) == ["Day by day", "Vital signs"]
    earlier = {"from": (lived.start - timedelta(days=2)).isoformat(), "to": lived.start.isoformat()}
    document = await printed(client, headers, **earlier)
    assert "Nothing is recorded of this period." in text_of(document)


async def test_it_has_the_limits_of_the_file_and_one_of_its_own(
    client: httpx.AsyncClient, lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, path = await sign_in_resident(lived.resident), "/v1/me/timeline/printed-record"
    assert (await client.get(path, headers=headers)).status_code == 422
    long = {"from": (lived.start - timedelta(days=800)).isoformat(), "to": lived.start.isoformat()}
    assert (await client.get(path, headers=headers, params=long)).status_code == 422
    monkeypatch.setattr(printing, "MOST_ITEMS", len(KINDS) - 1)
    answer = await client.get(path, headers=headers, params=span(lived))
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (
        409,
        "record_too_long",
        len(KINDS) - 1,
    )
    monkeypatch.setattr(printing, "MOST_ITEMS", len(KINDS))
    await printed(client, headers, **span(lived))


async def test_while_others_print_one_is_told_to_come_back(
    client: httpx.AsyncClient, lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typesetting, "WAIT_SECONDS", 0.01)
    headers = await sign_in_resident(lived.resident)
    async with typesetting._room:
        answer = await client.get("/v1/me/timeline/printed-record", headers=headers, params=span(lived))
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


async def test_a_name_in_letters_we_have_no_font_for_does_not_keep_one_from_printing(
    client: httpx.AsyncClient, lived: Lived
) -> None:
    await force("UPDATE identity_account SET name = 'สมชาย' WHERE id = :id", id=lived.resident.account_id)
    document = await printed(client, await sign_in_resident(lived.resident), **span(lived))
    assert "Alarm: a check-in was not answered." in text_of(document)


ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001 - given its zone here
    lambda naive: naive.replace(tzinfo=UTC)
)


def alarm(state: str, raised_at: datetime) -> dict[str, Any]:
    known = {"alarm": "sos", "severity": 4, "is_test": False, "outcome": None}
    return known | {"state": state, "raised_at": raised_at.isoformat()}


@given(ZONES, INSTANTS, st.timedeltas(timedelta(0), timedelta(days=3)), st.booleans())
def test_what_began_and_ended_is_one_line_of_its_section(
    zone: str, began: datetime, took: timedelta, was_closed: bool
) -> None:
    lines = Lines("en", ZoneInfo(zone))
    told = []
    if was_closed:
        told.append(lines.line("alarm_closed", 1, began + took, alarm("resolved", began), "over"))
    told.append(lines.line("alarm_raised", 1, began, alarm("raised", began), "alarm"))
    (row,) = [line for line in told if "section" in line]
    raised, _, severity, over, _ = row["cells"]
    local = began.astimezone(ZoneInfo(zone))
    assert raised.endswith(f"{local:%H:%M}")
    assert severity == "critical"
    assert (over == "–") is not was_closed
    if was_closed:
        ended = (began + took).astimezone(ZoneInfo(zone))
        assert over.endswith(f"{ended:%H:%M}")
        # Without a day it is the same day's.
        assert (len(over) == 5) is (ended.date() == local.date())


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_all_that_can_be_said_has_words(language: str) -> None:
    words = words_of(language)
    assert words.keys() == words_of("en").keys()
    assert {f"reason.{reason}" for reason in SkipReason.__args__} <= words.keys()  # type: ignore[attr-defined]
    outcomes = {*Outcome.__args__, AlarmState.CANCELLED}  # type: ignore[attr-defined]  # of a Literal
    assert {f"outcome.{outcome}" for outcome in outcomes} <= words.keys()
    assert [section["key"] for section in sections(KINDS, language)] == ["doses", "readings", "visits", "alarms"]
    assert len(holds(KINDS, language)) == len(SCOPES)  # whoever adds a kind says what it is called on paper
    assert sections(["check_in_missed", "dose_taken"], language)[0]["key"] == "doses"
