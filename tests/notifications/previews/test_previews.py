"""Looking at the texts of notices: staff sees every one of them as somebody would read it, and nobody's data."""

import httpx
import pytest
import pytest_asyncio

from app.core.clock import ManualClock
from notifications.templates.notices import Notice, notices
from notifications.templates.texts import LANGUAGES
from tests.factories import identity as make
from tests.factories.sign_in import sign_in
from tests.notifications.notices import PROMPT

PATH = "/v1/notice-templates"
Headers = dict[str, str]


@pytest_asyncio.fixture(loop_scope="session")
async def headers(client: httpx.AsyncClient, clock: ManualClock) -> Headers:
    """Sign in as a carer."""
    agency = await make.organization(await make.community(), "care_agency")
    return await sign_in(await make.staff(agency, "carer"))


async def test_staff_sees_which_messages_there_are(client: httpx.AsyncClient, headers: Headers) -> None:
    answer = await client.get(PATH, headers=headers)
    listed = {item["key"]: item for item in answer.json()["items"]}
    assert set(listed) == set(notices())
    assert listed["notifications.announcement"] == {
        "key": "notifications.announcement",
        "category": "announcements",
        "category_name": "Announcements",
        "urgency": "normal",
        "channels": ["push", "sms", "mail", "inbox"],
        "variables": {"announcement": "announcement"},
    }


async def test_every_text_can_be_looked_at(client: httpx.AsyncClient, headers: Headers) -> None:
    listed = (await client.get(PATH, headers=headers)).json()["items"]
    for item in listed:
        if item["key"].startswith("tests."):
            continue
        for channel in item["channels"]:
            for language in LANGUAGES:
                path = f"{PATH}/{item['key']}/preview?channel={channel}&language={language}"
                answer = await client.get(path, headers=headers)
                assert answer.status_code == 200, answer.text
                shown = answer.json()
                assert (shown["key"], shown["channel"], shown["language"]) == (item["key"], channel, language)
                assert shown["body"]
                assert (shown["title"] is None) == (channel in ("sms", "voice"))


@pytest.mark.parametrize(
    ("language", "title", "body"),
    [
        ("en", "Lift out of order", "The lift in building 3 is repaired on Monday."),
        ("zh-CN", "电梯停运", "3号楼电梯将于周一维修。"),
    ],
)
async def test_examples_are_made_up_in_the_language_of_the_text(
    client: httpx.AsyncClient, headers: Headers, language: str, title: str, body: str
) -> None:
    answer = await client.get(
        f"{PATH}/notifications.announcement/preview?channel=push&language={language}", headers=headers
    )
    assert (answer.json()["title"], answer.json()["body"]) == (title, body)
    prompt = await client.get(f"{PATH}/{PROMPT.key}/preview?channel=inbox&language={language}", headers=headers)
    assert ("Grace Example" if language == "en" else "张示例") in prompt.json()["body"]


@pytest.mark.parametrize("path", ["tests.nothing/preview?channel=push", f"{PROMPT.key}/preview?channel=mail"])
async def test_a_text_that_does_not_exist_is_not_found(client: httpx.AsyncClient, headers: Headers, path: str) -> None:
    answer = await client.get(f"{PATH}/{path}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("channel=fax", "/query/channel"), ("", "/query/channel"), ("channel=push&language=de", "/query/language")],
)
async def test_what_is_no_channel_or_language_is_refused(
    client: httpx.AsyncClient, headers: Headers, query: str, pointer: str
) -> None:
    answer = await client.get(f"{PATH}/{PROMPT.key}/preview?{query}", headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_broken_text_says_so_and_nothing_of_what_it_holds(
    client: httpx.AsyncClient, headers: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = object.__new__(Notice)
    given = {"channels": ("push",), "variables": {}, "urgency": "low", "category": "tests", "mode": "all"}
    for name, value in {"key": "tests.unwritten", "package": "tests.notifications", **given}.items():
        object.__setattr__(broken, name, value)
    monkeypatch.setitem(notices(), broken.key, broken)
    answer = await client.get(f"{PATH}/{broken.key}/preview?channel=push", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_be_previewed")
    assert answer.json()["detail"] == "tests.unwritten for push: TextMissing"


async def test_residents_and_relatives_do_not_look_at_templates(client: httpx.AsyncClient, headers: Headers) -> None:
    relative = await sign_in(await make.account(await make.community()))
    for path in (PATH, f"{PATH}/{PROMPT.key}/preview?channel=push"):
        assert (await client.get(path, headers=relative)).status_code == 403
        assert (await client.get(path)).status_code == 401
