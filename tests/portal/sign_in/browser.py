"""A browser in which nobody is signed in, and the codes that are sent to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col

from app.core.database import unit_of_work
from app.core.sealing import unseal
from app.identity.sign_in.models import SignInChallenge
from app.identity.sign_in.service import CODE
from tests.portal.ground import ADDRESS, form_on

SAME = {"Sec-Fetch-Site": "same-origin"}
FIREFOX = "Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"


@asynccontextmanager
async def browser(app: FastAPI, *, language: str = "en") -> AsyncIterator[httpx.AsyncClient]:
    """Hand out a browser without any cookie; it follows no redirects."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Accept-Language": language, "User-Agent": FIREFOX}
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers) as client:
        yield client


async def send(page: httpx.Response, client: httpx.AsyncClient, action: str, **fields: str) -> httpx.Response:
    """Fill a form in on a page that is open, and send it."""
    return await client.post(action, data=form_on(page, action) | fields, headers=SAME)


async def last_code() -> str:
    """Return the code that was asked for last."""
    async with unit_of_work() as session:
        statement = sa.select(SignInChallenge).order_by(col(SignInChallenge.id).desc()).limit(1)
        row = (await session.scalars(statement)).one()
    return unseal(row.code, CODE)


async def ask_code(client: httpx.AsyncClient, contact: str, address: str = "/portal/sign-in") -> httpx.Response:
    """Ask for a code; return the page that asks for it."""
    page = await client.get(address)
    assert page.status_code == 200, page.text[:500]
    sent = await send(page, client, "/portal/sign-in", contact=contact)
    assert (sent.status_code, sent.headers.get("location")) == (303, "/portal/sign-in/code"), sent.text[:800]
    return await client.get("/portal/sign-in/code")


async def sign_in(client: httpx.AsyncClient, contact: str, address: str = "/portal/sign-in") -> httpx.Response:
    """Sign in with a code, from the first page on."""
    page = await ask_code(client, contact, address)
    return await send(page, client, "/portal/sign-in/code", code=await last_code())
