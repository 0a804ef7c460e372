"""What was chosen in a form, on its way into the API: declared, sent in pieces, looked into there."""

import hashlib
from typing import Final

from app.portal.ground.visits import Visit

_PIECE: Final = "application/offset+octet-stream"


async def uploaded(visit: Visit, content: bytes, kind: str, purpose: str, key: str | None = None) -> str:
    """Return the id of the upload that ``content`` became; sent again under the same ``key`` it is the same one.

    ``kind`` is what the browser says it is. Raises ``Refused`` for what the API does not take.
    """
    about = {
        "purpose": purpose,
        "content_type": kind,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    begun = await visit.api.post("/v1/uploads", about, key=f"{key}-file" if key else None)
    # Of one that was sent before the answer is what it was then: it is asked how far it is by now.
    path = f"/v1/uploads/{begun['id']}"
    upload = await visit.api.get(path) if key else begun
    while upload["state"] == "receiving" and (at := upload["received"]) < len(content):
        headers = {"content-type": _PIECE, "upload-offset": str(at)}
        piece = content[at : at + upload["piece_size"]]
        upload = (await visit.api.ask("PATCH", path, piece, headers=headers)).json()
    return str(upload["id"])
