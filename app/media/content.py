"""What an upload really is: its type by its bytes, and pictures and documents without what they tell beside it."""

import hashlib
import hmac
import io
import re
from typing import Final

import filetype

from app.media import documents
from app.media.problems import ChecksumMismatch, ContentMismatch, UnreadableContent
from app.media.rules import IMAGES, PDF

_FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_SAME: Final = {"audio/x-wav": "audio/wav", "audio/x-m4a": "audio/mp4"}
# The colours of the picture depend on these two; everything else in ``info`` is about its maker, place and time.
_PART_OF_THE_PICTURE: Final = ("icc_profile", "transparency")
_MP4_TRACK: Final = re.compile(rb"hdlr.{8}(....)", re.DOTALL)
_JPEG_QUALITY: Final = 88


def checked(data: bytes, declared: str, sha256: bytes, *, max_pixels: int) -> bytes:
    """Return what is to be stored for the uploaded ``data``; pictures (upright) and documents are written anew.

    Raises ``ChecksumMismatch``, ``ContentMismatch``, ``UnreadableContent`` or ``DocumentLocked``. Takes seconds for
    large pictures.
    """
    if not hmac.compare_digest(hashlib.sha256(data).digest(), sha256):
        raise ChecksumMismatch
    if sniffed(data) != declared:
        raise ContentMismatch
    if declared in IMAGES:
        return _stripped(data, declared, max_pixels)
    if declared == PDF:
        if b"%%EOF" not in data[-2048:]:
            raise UnreadableContent
        return documents.stripped(data)
    return data


def sniffed(data: bytes) -> str | None:
    """Return the type the bytes themselves show, ``None`` if it is none that is known."""
    found: str | None = filetype.guess_mime(data)
    if found == "video/mp4" and not _has_pictures(data):
        return "audio/mp4"  # recorders on phones mark their sound as any MP4
    return _SAME.get(found, found) if found else None


def _has_pictures(mp4: bytes) -> bool:
    handlers = _MP4_TRACK.findall(mp4)
    return b"vide" in handlers or b"soun" not in handlers


def _stripped(data: bytes, content_type: str, max_pixels: int) -> bytes:
    from PIL import Image, ImageOps  # noqa: PLC0415 - slow to import, and only uploads need it

    image_format = _FORMATS[content_type]
    try:
        with Image.open(io.BytesIO(data), formats=[image_format]) as image:
            # Known from the header, before anything is unpacked: a small file can hold an enormous picture.
            if image.width * image.height > max_pixels:
                raise UnreadableContent(f"more than {max_pixels} pixels")
            upright = ImageOps.exif_transpose(image)
            upright.info = {name: upright.info[name] for name in _PART_OF_THE_PICTURE if name in upright.info}
            written = io.BytesIO()
            upright.save(written, image_format, quality=_JPEG_QUALITY, icc_profile=upright.info.get("icc_profile"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise UnreadableContent from None
    return written.getvalue()
