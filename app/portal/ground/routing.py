"""Routes that answer with pages: what goes wrong is a page, too, that says what to do now."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.responses import RedirectResponse, Response

from app.core.problems import MEDIA_TYPE
from app.core.routing import Router, UnitOfWorkRoute
from app.portal.ground.asking import JSON, Refused
from app.portal.ground.forms import NotOurForm
from app.portal.ground.pages import Stranger, show
from app.portal.ground.texts import COMMON
from app.portal.ground.visits import SignedOut, Visit, visit_of

TO_SCRIPT: Final = "x-outbox"
"""The header by which a script that sends what a form had asks for JSON where a browser is answered by a page."""
_PRIVATE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(UnitOfWorkRoute):
    """A route whose refusals are pages."""

    def get_route_handler(self) -> Handler:
        """Return the route's handler, with what it raises turned into pages."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                answer = await inner(request)
            except SignedOut as signed_out:
                return _way_in(request, signed_out)
            except NotOurForm:
                return await trouble(request, 403, {"code": "not_our_form"})
            except Refused as refusal:
                return await trouble(request, refusal.status, refusal.problem)
            if answer.status_code >= 400 and answer.headers.get("content-type", "").startswith(MEDIA_TYPE):
                return await trouble(request, answer.status_code, orjson.loads(bytes(answer.body)))
            return _for_script(request, answer) if TO_SCRIPT in request.headers else answer

        return handle


def pages_router(prefix: str) -> Router:
    """Return the router of a feature's pages."""
    router = Router(tags=["portal"], prefix=prefix)
    router.route_class = PageRoute
    return router


def _for_script(request: Request, answer: Response) -> Response:
    """Return as JSON what a browser would follow or show: where to go next, or why it was not taken."""
    if answer.status_code == 303:
        told = Response(orjson.dumps({"next": answer.headers["location"]}), media_type=JSON, headers=_PRIVATE)
        told.raw_headers += [pair for pair in answer.raw_headers if pair[0] == b"set-cookie"]
        return told
    if isinstance(answer, HTMLResponse) and request.method == "POST":
        # The page of the form again, whatever its status: it was not taken.
        said = getattr(request.state, "trouble_said", "")
        decide = getattr(request.state, "trouble_decide", None)
        return _not_taken(max(answer.status_code, 422), "not_taken", said, decide)
    return answer


def _not_taken(status: int, code: str, said: str, decide: Any = None) -> Response:
    # ``decide`` is what one may send in its place: a label, and the fields that say so.
    body = {"status": status, "code": code, "said": said} | ({"decide": decide} if decide else {})
    return Response(orjson.dumps(body), status, media_type=JSON, headers=_PRIVATE)


def _way_in(request: Request, signed_out: SignedOut) -> Response:
    if TO_SCRIPT in request.headers:
        return _not_taken(401, "unauthenticated", "")
    if request.url.path.endswith("/part"):  # asked for by a script, which says so on its page
        return Response(status_code=401, headers={"Cache-Control": "no-store"})
    return RedirectResponse(signed_out.way_in, 303, headers={"Cache-Control": "no-store"})


async def trouble(request: Request, status: int, problem: Any) -> Response:
    """Return the page that says in plain words what is wrong."""
    visit: Visit | Stranger = await _reader(request)
    words = COMMON[visit.language]
    code = str(problem.get("code", ""))
    known = f"trouble_{code}" in words
    said = words[f"trouble_{code}"] if known else words.get(f"trouble_{status}", words["trouble_other"])
    if TO_SCRIPT in request.headers:
        return _not_taken(status, code, said)
    return show(visit, "ground/trouble.html", COMMON, status=status, said=said, status_code=status)


async def _reader(request: Request) -> Visit | Stranger:
    try:
        return await visit_of(request) or Stranger(request)
    except Exception:  # noqa: BLE001 - whatever is down: the page that says so must not need it
        return Stranger(request)
