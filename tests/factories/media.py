"""Files as apps bring them: declared while signed in, sent by the link that was answered."""

import hashlib

import httpx

from app.media.routes import PIECE_TYPE
from app.media.rules import Purpose


async def declared(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    content: bytes,
    *,
    purpose: Purpose = Purpose.PHOTO,
    content_type: str = "image/jpeg",
) -> tuple[str, str]:
    """Begin an upload and return its id and its link."""
    about = {"purpose": purpose, "content_type": content_type, "size": len(content)}
    about["sha256"] = hashlib.sha256(content).hexdigest()
    begun = await client.post("/v1/uploads", json=about, headers=headers)
    assert begun.status_code == 201, begun.text
    return begun.json()["id"], httpx.URL(begun.json()["upload_url"]).raw_path.decode()


async def sent(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    content: bytes,
    *,
    purpose: Purpose = Purpose.PHOTO,
    content_type: str = "image/jpeg",
) -> str:
    """Upload a file by its link, as a phone does in the background, and return its id."""
    upload_id, link = await declared(client, headers, content, purpose=purpose, content_type=content_type)
    piece = {"Content-Type": PIECE_TYPE, "Upload-Offset": "0"}
    answer = await client.patch(link, content=content, headers=piece)
    assert answer.status_code == 204, answer.text
    return upload_id
