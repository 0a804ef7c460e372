"""Which files a company's people may choose in a form, and what they become."""

from typing import Final

from starlette.datastructures import UploadFile

from app.portal.ground.asking import Refused
from app.portal.ground.uploads import uploaded
from app.portal.ground.visits import Visit

LARGEST: Final = 12 * 1_048_576
KINDS: Final[dict[str, str]] = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "pdf": "application/pdf",
}
ACCEPT: Final = ".jpg,.jpeg,.png,.webp,.pdf"
PICTURES: Final = "image/jpeg,image/png,image/webp"


async def brought_in(visit: Visit, chosen: UploadFile, purpose: str, key: str | None = None) -> str:
    """Return the id of the upload a chosen file has become; raises ``Refused`` for what is not taken."""
    content = await chosen.read()
    await chosen.close()
    ending = (chosen.filename or "").rpartition(".")[2].lower()
    kind = KINDS.get(ending)
    if kind is None or not content or len(content) > LARGEST:
        raise Refused(422, {"code": "file_not_taken", "status": 422})
    return await uploaded(visit, content, kind, purpose, key)
