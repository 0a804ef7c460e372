"""Visiting pages as a browser does: with its cookie, and by the forms that stand on them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

import httpx
from fastapi import FastAPI

from app.core.database import unit_of_work
from app.identity.api import begin_browser_session, browser_cookie
from app.identity.models import Account
from tests.factories.sign_in import session_of

ADDRESS: Final = "http://127.0.0.1:8000"


async def cookie_of(account: Account, *, second_factor: bool = False) -> dict[str, str]:
    """Sign an account in, as a browser is, and return its cookies."""
    signed_in = await session_of(account, second_factor=second_factor)
    async with unit_of_work() as session:
        secret = await begin_browser_session(session, signed_in.id)
    return {browser_cookie(): secret}


@asynccontextmanager
async def visitor(
    app: FastAPI, account: Account, *, language: str = "en", second_factor: bool = False
) -> AsyncIterator[httpx.AsyncClient]:
    """Hand out a browser in which the account is signed in; it follows no redirects."""
    cookies = await cookie_of(account, second_factor=second_factor)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Accept-Language": language}
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, cookies=cookies, headers=headers) as client:
        yield client


class _Forms(HTMLParser):
    """Collects a page's forms: where each goes, and what it would send as it stands."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._select: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        names = [name for name, _ in attrs]
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif not self.forms:
            return
        elif tag == "input" and given.get("name"):
            if given.get("type") not in ("checkbox", "radio") or "checked" in names:
                self.forms[-1][1][given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given.get("name")
        elif tag == "option" and self._select:
            fields = self.forms[-1][1]
            if "selected" in names or self._select not in fields:
                fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None


def form_on(page: httpx.Response, action: str) -> dict[str, str]:
    """Return what the form with this action would send; fails if the page has none."""
    for where, fields in _Forms(page.text).forms:
        if urljoin(str(page.url.path), where) == action:
            return fields
    raise AssertionError(f"{page.url.path} has no form for {action}")


async def submit(client: httpx.AsyncClient, address: str, action: str, /, **fields: str) -> httpx.Response:
    """Load the page at ``address``, fill its form for ``action`` in and send it."""
    page = await client.get(address)
    assert page.status_code == 200, (page.status_code, page.text[:400])
    return await client.post(action, data=form_on(page, action) | fields, headers={"Sec-Fetch-Site": "same-origin"})
