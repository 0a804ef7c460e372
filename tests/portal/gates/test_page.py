"""The page of a gate as it is served: its policy, its languages, its versions, and no word that is missing."""

import json
import re
from typing import Final

import httpx
import pytest

from app.portal.gates.routes import version
from app.portal.gates.texts import WORDS
from tests.portal.elements import Elements
from tests.portal.gates.scripts import ASSETS

PAGE: Final = "/portal/gates"


async def page_in(client: httpx.AsyncClient, accepted: str) -> httpx.Response:
    answer = await client.get(PAGE, headers={"Accept-Language": accepted})
    assert answer.status_code == 200
    return answer


async def test_nothing_written_into_the_page_runs_and_nobody_elses_is_loaded(client: httpx.AsyncClient) -> None:
    answer = await page_in(client, "en")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    for kind in ("script-src", "style-src", "connect-src", "worker-src"):
        assert policy[kind] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    elements = Elements(answer.text).found
    scripts = [given for tag, given in elements if tag == "script" and given.get("type") != "application/json"]
    assert scripts
    assert all(given.get("src", "") for given in scripts)
    assert not any(name.startswith("on") or name == "style" for _, given in elements for name in given)
    loaded = [given.get("src") or given.get("href") or "/" for _, given in elements]
    assert all(address.startswith("/") and not address.startswith("//") for address in loaded)
    assert not any("http" in file.read_text().replace("https://example", "") for file in ASSETS.iterdir())


@pytest.mark.parametrize(("accepted", "language"), [("zh-CN,zh;q=0.9", "zh-CN"), ("de,en;q=0.5", "en"), ("", "en")])
async def test_it_speaks_the_readers_language(client: httpx.AsyncClient, accepted: str, language: str) -> None:
    answer = await page_in(client, accepted)
    assert ("html", {"lang": language}) in Elements(answer.text).found
    assert WORDS[language]["sign_in_title"] in answer.text


async def test_whatever_can_be_typed_into_or_pressed_has_a_name(client: httpx.AsyncClient) -> None:
    text = (await page_in(client, "en")).text
    for control in re.findall(r"<(?:select|input|textarea|video)\b[^>]*>", text):
        name = re.search(r'id="([^"]+)"', control)
        assert "aria-label" in control or (name and f'<label for="{name[1]}">' in text), control


def test_both_languages_say_the_same_things_and_all_that_the_scripts_ask_for() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh-CN"])
    scripts = "".join(file.read_text() for file in ASSETS.glob("*.js"))
    asked = set(re.findall(r"\bwords\.(\w+)", scripts)) | set(
        re.findall(r'\b(?:say|askToSignIn|chooseGate)\("(\w+)"', scripts)
    )
    assert asked <= set(WORDS["en"])
    reasons = set(re.findall(r'reason: "(\w+)"|Refused\("(\w+)"\)|return "(\w+)";', scripts))
    assert {f"reason_{name}" for names in reasons for name in names if name} <= set(WORDS["en"])
    for language in WORDS:
        for key, text in WORDS["en"].items():
            assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", WORDS[language][key]), key


async def test_the_service_worker_keeps_all_of_one_version_and_reaches_no_further_than_the_page(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get(f"{PAGE}/worker.js")
    assert answer.headers["service-worker-allowed"] == PAGE
    assert answer.headers["cache-control"] == "no-cache"
    kept = dict(re.findall(r"^const (VERSION|PAGES|FILES) = (.+);$", answer.text, re.MULTILINE))
    assert json.loads(kept["VERSION"]) == version()
    pages, files = json.loads(kept["PAGES"]), json.loads(kept["FILES"])
    for address in (*pages, *files):
        assert (await client.get(address)).status_code == 200, address
    elements = Elements((await page_in(client, "en")).text).found
    assert {given.get("src") or given.get("href") for tag, given in elements if tag in ("script", "link")} - {None} <= {
        *files
    }
    imported = {name for file in ASSETS.glob("*.js") for name in re.findall(r'from "\./([\w.]+)"', file.read_text())}
    assert {f"{PAGE}/assets/{version()}/{name}" for name in imported} <= {*files}


async def test_only_the_pages_own_files_are_served_and_only_of_this_version(client: httpx.AsyncClient) -> None:
    for file in ASSETS.iterdir():
        wanted = 404 if file.name == "worker.js" else 200
        assert (await client.get(f"{PAGE}/assets/{version()}/{file.name}")).status_code == wanted
    for name in ("page.html", "..%2Fpage.html", "%2e%2e%2ftexts.py", "none.js"):
        assert (await client.get(f"{PAGE}/assets/{version()}/{name}")).status_code == 404
    assert (await client.get(f"{PAGE}/assets/{version()[::-1]}x/gate.js")).status_code == 404
