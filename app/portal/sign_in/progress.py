"""How far somebody is with signing in, kept in a sealed cookie of their browser: no row for whoever only looks.

What was begun in one browser goes on in no other, and nobody can sign somebody else's browser in as themselves.
"""

import base64
import hmac
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Final

import orjson
from fastapi import Request
from starlette.responses import Response

from app.core import clock
from app.core.sealing import SealBroken, seal, unseal
from app.identity.api import is_safe
from app.portal.ground.forms import CSRF, Form, NotOurForm, read_form
from app.portal.sign_in.addresses import START

LASTS: Final = timedelta(minutes=20)
_CONTEXT: Final = "portal.sign_in"
_PURPOSE: Final = b"hearthline sign-in form"


@dataclass(frozen=True, slots=True)
class Progress:
    """What was begun: where it leads, by which code, or through whom. ``secret`` is what its forms are known by."""

    secret: str
    until: float
    next: str = START
    language: str = ""
    community_id: str = ""
    challenge_id: str = ""
    provider: str = ""
    state: str = ""
    nonce: str = ""
    verifier: str = ""

    @property
    def csrf(self) -> str:
        """What a form carries that belongs to this progress."""
        mark = hmac.digest(self.secret.encode(), _PURPOSE, "sha256")
        return base64.urlsafe_b64encode(mark).rstrip(b"=").decode()


def cookie_name() -> str:
    """Return the cookie's name: by its beginning browsers let nobody set it but us, on https (RFC 6265bis, 4.1.3)."""
    return f"{'__Host-' if is_safe() else ''}hearthline_sign_in"


def begun(secret: str, **values: str) -> Progress:
    """Return a progress that begins now."""
    return Progress(secret=secret, until=(clock.now() + LASTS).timestamp(), **values)


def going_on(progress: Progress, **changed: str) -> Progress:
    """Return a progress that has come further, with its time begun anew."""
    until = (clock.now() + LASTS).timestamp()
    changes: dict[str, Any] = {**changed, "until": until}
    return replace(progress, **changes)


def progress_of(request: Request) -> Progress | None:
    """Return how far this browser is; ``None`` if nothing is begun, or too long ago."""
    try:
        said = orjson.loads(unseal(request.cookies.get(cookie_name(), ""), _CONTEXT))
        progress = Progress(**said)
    except (SealBroken, ValueError, TypeError):
        return None
    return progress if progress.until > clock.now().timestamp() else None


def keep(answer: Response, progress: Progress) -> Response:
    """Let the browser keep how far it is."""
    answer.set_cookie(
        cookie_name(),
        seal(orjson.dumps(asdict(progress)).decode(), _CONTEXT),
        max_age=int(LASTS.total_seconds()),
        secure=is_safe(),
        httponly=True,
        samesite="lax",
        path="/",
    )
    return answer


def forget(answer: Response) -> Response:
    """Let the browser forget how far it was."""
    answer.delete_cookie(cookie_name(), secure=is_safe(), httponly=True, samesite="lax", path="/")
    return answer


async def posted(request: Request) -> tuple[Progress, Form]:
    """Return how far a browser is and what it posted; raises ``NotOurForm`` for what comes from elsewhere."""
    form = await read_form(request)
    progress = progress_of(request)
    if progress is None or not hmac.compare_digest(form.text(CSRF, 200).encode(), progress.csrf.encode()):
        raise NotOurForm
    return progress, form


def as_id(text: str) -> uuid.UUID | None:
    """Return the id a text spells, or ``None``."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
