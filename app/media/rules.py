"""What may be uploaded for which purpose."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/webp"})
SOUNDS: Final = frozenset({"audio/mpeg", "audio/mp4", "audio/ogg", "audio/aac", "audio/wav", "audio/amr"})
PDF: Final = "application/pdf"


class Purpose(StrEnum):
    """What an upload is for."""

    PHOTO = "photo"
    DOCUMENT = "document"
    VOICE = "voice"


ACCEPTED: Final[Mapping[Purpose, frozenset[str]]] = {
    Purpose.PHOTO: IMAGES,
    Purpose.DOCUMENT: IMAGES | {PDF},
    Purpose.VOICE: SOUNDS,
}

EXTENSIONS: Final[Mapping[str, str]] = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
    "audio/wav": "wav",
    "audio/amr": "amr",
    PDF: "pdf",
}


def is_accepted(purpose: Purpose, content_type: str) -> bool:
    """Say whether a purpose takes a type."""
    return content_type in ACCEPTED[purpose]


def disposition(content_type: str, name: str) -> str:
    """Return how a browser is to treat the file: it shows pictures and plays sounds; a document is only ever saved."""
    how = "inline" if content_type in IMAGES | SOUNDS else "attachment"
    return f'{how}; filename="{name}.{EXTENSIONS[content_type]}"'
