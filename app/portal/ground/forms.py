"""What is posted from a page: read whole, from our own pages and this very sign-in alone."""

import asyncio
import hmac
import uuid
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect

from app.core.settings import settings
from app.identity.api import is_of_browser
from app.portal.ground.asking import Refused
from app.portal.ground.visits import Visitor

MOST_FIELDS: Final = 400
MOST_FILES: Final = 4
LARGEST: Final = 2**63 - 1
"""What neither JSON nor the database holds is no number that was meant."""
CSRF: Final = "csrf"
KEY: Final = "key"
_KINDS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


class NotOurForm(Exception):  # noqa: N818 - says what is so
    """What was posted does not come from a page of ours in this sign-in, or cannot be read."""


@dataclass(frozen=True, eq=False)
class Form:
    """The fields of a form. What is missing is empty; what cannot be read as asked is ``None``."""

    fields: FormData

    def text(self, name: str, most: int = 2_000) -> str:
        """Return a field's text without spaces around it; at most ``most`` characters of it."""
        value = self.fields.get(name)
        cleaned = value.replace("\0", "").replace("\r\n", "\n").strip() if isinstance(value, str) else ""
        return cleaned[:most]

    def uuid(self, name: str) -> uuid.UUID | None:
        """Return a field that is an id."""
        try:
            return uuid.UUID(self.text(name))
        except ValueError:
            return None

    def number(self, name: str) -> int | None:
        """Return a field that is a whole number."""
        try:
            number = int(self.text(name, 20))
        except ValueError:
            return None
        return number if abs(number) <= LARGEST else None

    def decimal(self, name: str) -> float | None:
        """Return a field that is a number, with a point or a comma."""
        try:
            return float(self.text(name, 30).replace(",", "."))
        except ValueError:
            return None

    def day(self, name: str) -> date | None:
        """Return a field that is a date."""
        try:
            return date.fromisoformat(self.text(name, 20))
        except ValueError:
            return None

    def time(self, name: str) -> time | None:
        """Return a field that is a time of day; whose clock it is by, the page knows."""
        try:
            return time.fromisoformat(self.text(name, 20)).replace(tzinfo=None)
        except ValueError:
            return None

    def flag(self, name: str) -> bool:
        """Say whether a box is ticked."""
        return self.text(name) not in ("", "0", "false", "off")

    def many(self, name: str, most: int = 200) -> list[str]:
        """Return all values of a field."""
        return [value[:most] for value in self.fields.getlist(name) if isinstance(value, str)]

    def file(self, name: str) -> UploadFile | None:
        """Return a file that was chosen."""
        value = self.fields.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def given(self, *names: str) -> dict[str, str]:
        """Return what was typed, so that a page can show it again."""
        return {name: self.text(name) for name in names}

    @property
    def key(self) -> str | None:
        """The Idempotency-Key of the rendering that was posted: pressing twice does once."""
        key = self.text(KEY, 100)
        return key if key.isascii() and key.isprintable() and key else None


async def read_form(request: Request) -> Form:
    """Return what was posted; raises ``NotOurForm`` for what is no form, or comes from another origin."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _KINDS or not _is_from_here(request):
        raise NotOurForm
    try:
        # Whoever has not signed in can post as well, and nobody is waited for without end.
        async with asyncio.timeout(settings().http.body_seconds):
            return Form(await request.form(max_fields=MOST_FIELDS, max_files=MOST_FILES))
    except (MultiPartException, ClientDisconnect, TimeoutError, ValueError, UnicodeDecodeError) as error:
        raise NotOurForm from error


def _is_from_here(request: Request) -> bool:
    """Say whether the browser names a page of ours as the form's origin; those too old to say so carry a token."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


async def posted_by_oneself(request: Request, visit: Visitor) -> Form:
    """Return what was posted from a page of this sign-in, also by who looks on as somebody; raises ``NotOurForm``.

    For what concerns the sign-in of whoever sits there: to stop looking on, and to sign out.
    """
    form = await read_form(request)
    if not is_of_browser(form.text(CSRF, 200), visit.csrf):
        raise NotOurForm
    return form


OwnPosted = Annotated[Form, Depends(posted_by_oneself)]
"""The dependency of the few routes that support may post to while it looks on as somebody."""


async def posted(form: OwnPosted, visit: Visitor) -> Form:
    """Return what was posted from a page of this sign-in; raises ``NotOurForm``, and ``Refused`` to who looks on."""
    if visit.is_viewing_as:
        raise Refused(403, {"code": "viewing_is_read_only"})
    # What was shown while they looked on as somebody is about that person, and is not done as themself afterwards.
    if not hmac.compare_digest(form.text(CSRF, 200).encode(), visit.csrf.encode()):
        raise NotOurForm
    return form


Posted = Annotated[Form, Depends(posted)]
"""The dependency of every route that a form posts to."""
