"""Which files can be put into a patient's record, and as what."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.settings import settings

MIB: Final = 1_048_576
LOINC: Final = "http://loinc.org"
KINDS: Final = {
    "photo": "72170-4",
    "discharge": "18842-5",
    "laboratory": "11502-2",
    "imaging": "18748-4",
    "referral": "57133-1",
    "other": "",
}
"""What can be filed, with its LOINC code (https://loinc.org, document ontology)."""
TYPES: Final = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "pdf": "application/pdf",
}
ACCEPT: Final = ".jpg,.jpeg,.png,.webp,.pdf"


def to_file(words: Mapping[str, str], given: Mapping[str, str]) -> dict[str, Any]:
    """Return what the form shows by which a file is put into the record, with what was typed into it."""
    return {
        "filing": given,
        "accept": ACCEPT,
        "sorts": [(key, words[f"sort_{key}"]) for key in KINDS],
        "most_megabytes": settings().media.max_upload // MIB,
    }
