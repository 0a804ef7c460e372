"""The page of a video visit as it is served: its policy, its languages, and no word that is missing."""

import re
from pathlib import Path
from typing import Final

import httpx
import pytest

from app.portal import video_visits
from app.portal.video_visits.texts import WORDS
from tests.portal.elements import Elements

ASSETS: Final = Path(video_visits.__file__).parent / "assets"
PAGE: Final = "/portal/video-visits"


async def page_in(client: httpx.AsyncClient, accepted: str) -> httpx.Response:
    answer = await client.get(PAGE, headers={"Accept-Language": accepted})
    assert answer.status_code == 200
    return answer


async def test_nothing_written_into_the_page_runs(client: httpx.AsyncClient) -> None:
    answer = await page_in(client, "en")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    elements = Elements(answer.text).found
    scripts = [given for tag, given in elements if tag == "script" and given.get("type") != "application/json"]
    assert scripts
    assert all(given.get("src", "") for given in scripts)
    assert not any(name.startswith("on") or name == "style" for _, given in elements for name in given)


@pytest.mark.parametrize(("accepted", "language"), [("zh-CN,zh;q=0.9", "zh-CN"), ("de,en;q=0.5", "en"), ("", "en")])
async def test_it_speaks_the_readers_language(client: httpx.AsyncClient, accepted: str, language: str) -> None:
    answer = await page_in(client, accepted)
    assert ("html", {"lang": language}) in Elements(answer.text).found
    assert WORDS[language]["check_title"] in answer.text


async def test_whatever_can_be_typed_into_or_pressed_has_a_name(client: httpx.AsyncClient) -> None:
    text = (await page_in(client, "en")).text
    for control in re.findall(r"<(?:select|input|textarea|meter|video)\b[^>]*>", text):
        name = re.search(r'id="([^"]+)"', control)
        ways = ["aria-label" in control]
        if name:
            ways += [f'<label for="{name[1]}">' in text, bool(re.search(rf"<label>[^<]*<\w+ id=\"{name[1]}\"", text))]
        assert any(ways) or 'class="mirrored"' in control, control


def test_both_languages_say_the_same_things_and_all_that_the_scripts_ask_for() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh-CN"])
    scripts = "".join(file.read_text() for file in ASSETS.glob("*.js"))
    asked = set(re.findall(r"\bwords\.(\w+)", scripts)) | set(re.findall(r'\b(?:say|close)\("(\w+)"', scripts))
    assert asked <= set(WORDS["en"])


async def test_only_the_pages_own_files_are_served(client: httpx.AsyncClient) -> None:
    for file in ASSETS.iterdir():
        assert (await client.get(f"{PAGE}/assets/{file.name}")).status_code == 200
    for name in ("page.html", "..%2Fpage.html", "%2e%2e%2ftexts.py", "none.js"):
        assert (await client.get(f"{PAGE}/assets/{name}")).status_code == 404
