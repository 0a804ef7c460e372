"""Bringing residents in from a file: first what would become of each row, then the import itself."""

import base64
import binascii
from typing import Any, Final

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Operating, Visit
from app.portal.operator.texts import WORDS
from app.portal.operator.trying import FINE, Wrong, wrong

router = pages_router("/portal/operator/imports")

MOST: Final = 20 * 1_048_576
CARRIED: Final = 700_000
"""Bytes of a file the page keeps between looking at it and importing it; a larger one is chosen again."""
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_KINDS: Final = {"csv": "text/csv", "xlsx": _XLSX}


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def begin_import(visit: Operating) -> Response:
    """Show how a file has to look, and take one."""
    return _page(visit, None)


@router.post("", include_in_schema=False, max_body_size=MOST + 65_536)
@route_options(database=False, idempotency=False)
async def import_file(visit: Operating, form: Posted) -> Response:
    """Say what would become of each row, or import them."""
    is_meant = form.flag("import")
    content, kind = await _file(form)
    if not content:
        words = WORDS[visit.language]
        return _page(visit, None, said=Wrong(words["import_no_file"], {"file": words["import_no_file"]}, 422))
    try:
        answer = await visit.api.ask(
            "POST",
            "/v1/imports",
            content,
            query={"dry_run": not is_meant},
            headers={"content-type": _KINDS[kind]},
            key=form.key if is_meant else None,
        )
    except Refused as refused:
        return _page(visit, None, said=_why(visit, refused))
    carried = base64.b64encode(content).decode() if not is_meant and len(content) <= CARRIED else ""
    return _page(visit, answer.json(), carried=carried, kind=kind)


def _why(visit: Visit, refused: Refused) -> Wrong:
    """Return what a page says of a file that was refused: the import's own sentence is in the reader's language."""
    said = wrong(visit, refused)
    detail = refused.problem.get("detail")
    return Wrong(detail, {}, said.status) if refused.code == "file_refused" and detail else said


async def _file(form: Form) -> tuple[bytes, str]:
    chosen = form.file("file")
    if chosen is not None:
        kind = "xlsx" if (chosen.filename or "").lower().endswith(".xlsx") else "csv"
        content = await chosen.read()
        await chosen.close()
        return content, kind
    try:
        content = base64.b64decode(form.text("content", 2 * CARRIED), validate=True)
    except binascii.Error:
        content = b""
    return content, "xlsx" if form.text("kind", 10) == "xlsx" else "csv"


def _page(visit: Visit, report: Any, *, said: Wrong = FINE, carried: str = "", kind: str = "csv") -> Response:
    return show(
        visit,
        "operator/imports.html",
        WORDS,
        status=said.status,
        tab="imports",
        report=report,
        wrong=said,
        carried=carried,
        kind=kind,
    )
