"""Who visits a page: the person signed in by the browser's cookie, and what a page of theirs needs."""

import secrets
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from app.core import clock
from app.core.access import Actor
from app.core.database import reading
from app.identity.api import BrowserVisitor, access_token_of, browser_cookie, browser_visitor, language_for
from app.portal.ground.asking import Api, OwnApi, Refused

LOOK_COOKIE: Final = "hearthline_look"
_BY_ITSELF: Final = "X-Live"  # what an open page asks without anybody having done anything
_OF_GATEWAYS: Final = frozenset({"payment_intent_client_secret", "setup_intent_client_secret"})
"""What payment gateways put into addresses they lead back to, and is to stand in no other."""
LOOKS: Final = ("light", "dark")
SIGN_IN: Final = "/portal/sign-in"


class SignedOut(Exception):  # noqa: N818 - says what is so
    """Nobody is signed in: the visitor is led to where one signs in, and back to ``address`` from there."""

    def __init__(self, address: str) -> None:
        super().__init__("signed out")
        self.address = address

    @property
    def way_in(self) -> str:
        """Return where one signs in."""
        return f"{SIGN_IN}?{urlencode({'next': self.address})}"


@dataclass(eq=False)
class Visit:
    """One request for a page, by somebody who is signed in."""

    request: Request
    who: BrowserVisitor
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @property
    def actor(self) -> Actor:
        """Who visits, with the rights they have at this moment."""
        return self.who.actor

    @property
    def session_id(self) -> uuid.UUID:
        """The sign-in this browser's cookie belongs to."""
        return self.who.session_id

    @property
    def name(self) -> str:
        """What the visitor is called."""
        return self.who.name

    @property
    def csrf(self) -> str:
        """What a form of ours carries and nobody else's can."""
        return self.who.csrf

    @property
    def viewing(self) -> Any:
        """The support view this is, with its end; ``None`` for whoever is themself."""
        return self.who.viewing

    @property
    def is_viewing_as(self) -> bool:
        """Say whether support looks on, and may change nothing."""
        return self.who.viewing is not None

    @cached_property
    def language(self) -> str:
        """The visitor's language, as their account says."""
        return language_for(self.who.language or self.request.headers.get("accept-language", ""))

    @cached_property
    def time_zone(self) -> ZoneInfo:
        """The visitor's own time zone: whoever cares from far away sees their own clock."""
        return ZoneInfo(self.who.time_zone)

    @property
    def look(self) -> str:
        """Light or dark as the visitor chose; empty where the device decides."""
        chosen = self.request.cookies.get(LOOK_COOKIE, "")
        return chosen if chosen in LOOKS else ""

    @cached_property
    def api(self) -> Api:
        """The API as this visitor may use it."""
        return OwnApi(self.request, access_token_of(self.who), self.language)

    def holds(self, *roles: str, organization_kind: str | None = None) -> bool:
        """Say whether the visitor has one of ``roles``."""
        return self.actor.holds(*roles, organization_kind=organization_kind)

    @property
    def is_operator(self) -> bool:
        """Say whether the visitor runs the community."""
        return self.holds("operator", organization_kind="operator")

    @property
    def is_at_desk(self) -> bool:
        """Say whether the visitor works at the duty desk."""
        return self.holds("operator", "dispatcher", organization_kind="operator")


async def visit_of(request: Request, *, is_use: bool = True) -> Visit | None:
    """Return the visit of whoever is signed in; ``None`` for nobody. What an open page asks by itself is no use."""
    secret = request.cookies.get(browser_cookie(), "")
    if not secret:
        return None
    async with reading() as connection:
        who = await browser_visitor(
            connection, secret, clock.now(), is_use=is_use and _BY_ITSELF not in request.headers
        )
    return None if who is None else Visit(request, who)


async def visitor(request: Request) -> Visit:
    """Return the visit of whoever is signed in; raises ``SignedOut``."""
    visit = await visit_of(request)
    if visit is None:
        url = request.url
        is_page = request.method == "GET" and not url.path.endswith("/part")
        query = "" if _OF_GATEWAYS & request.query_params.keys() else url.query
        raise SignedOut((f"{url.path}?{query}" if query else url.path) if is_page else "/portal")
    return visit


Visitor = Annotated[Visit, Depends(visitor)]
"""The dependency of every page but those where one signs in."""


async def residing(visit: Visitor) -> Visit:
    """Return a resident's visit to their own pages; anybody else has none."""
    if visit.actor.resident_id is None:
        raise Refused(403, {"code": "lives_elsewhere", "status": 403})
    return visit


Residing = Annotated[Visit, Depends(residing)]
"""The dependency of every page of a resident's own."""


async def operating(visit: Visitor) -> Visit:
    """Return the operator's visit; anybody else is refused, whatever the page would show."""
    if not visit.is_operator:
        raise Refused(403, {"code": "forbidden", "status": 403})
    return visit


Operating = Annotated[Visit, Depends(operating)]
"""The dependency of every page of the operator's."""
