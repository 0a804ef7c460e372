"""PDFs without what they tell beside their pages: who wrote them, with what and when, and files carried along."""

import io
import logging
from typing import Any, Final

from app.media.problems import DocumentLocked, UnreadableContent

# Document and object metadata (ISO 32000-2, 14.3, 14.5) and embedded files (7.11.4), which nobody has looked into.
_TELLING: Final = ("/Metadata", "/PieceInfo", "/LastModified", "/EmbeddedFiles", "/AF", "/EF")
_TELLING_IN_NOTES: Final = ("/T", "/M", "/CreationDate")  # of annotations (12.5.6.2); a form field's /T is its name
_COMMENT, _SCAN = 0xFE, 0xDA
_APPLICATION: Final = range(0xE0, 0xF0)  # markers of a JPEG's application segments
# Size, colour profile and colour transform: what the picture looks like depends on them.
_PART_OF_THE_PICTURE: Final = {0xE0: b"JFIF", 0xE2: b"ICC_PROFILE", 0xEE: b"Adobe"}

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it would log what it finds strange, which is people's own


def stripped(data: bytes) -> bytes:
    """Return a PDF written anew from its pages, without earlier revisions and metadata, also that of its photos.

    Raises ``UnreadableContent``, or ``DocumentLocked`` for one that cannot be opened without a password.
    """
    try:
        written = _written_anew(data)
    except Exception:  # noqa: BLE001 - whatever a damaged file leads the reader to
        raise UnreadableContent from None
    if written is None:
        raise DocumentLocked
    return written


def _written_anew(data: bytes) -> bytes | None:
    """Return the document without what tells; ``None`` if it asks for a password."""
    from pypdf import PdfReader, PdfWriter  # noqa: PLC0415 - slow to import, and only documents need it

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        return None
    _forget(reader.root_object)
    writer = PdfWriter()
    writer.clone_reader_document_root(reader)
    if not writer.pages:
        raise ValueError("no pages")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def _forget(root: Any) -> None:
    """Remove what tells from every object that can be reached from ``root``."""
    from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject  # noqa: PLC0415 - as above

    seen: set[tuple[int, int]] = set()
    waiting: list[Any] = [root]
    while waiting:
        found = waiting.pop()
        if isinstance(found, IndirectObject):
            if (found.idnum, found.generation) in seen:
                continue
            seen.add((found.idnum, found.generation))
            found = found.get_object()
        if isinstance(found, ArrayObject):
            waiting.extend(list.__iter__(found))
        if isinstance(found, DictionaryObject):
            is_note = "/Subtype" in found and "/Rect" in found and str(found["/Subtype"]) != "/Widget"
            for key in (*_TELLING, *(_TELLING_IN_NOTES if is_note else ())):
                found.pop(key, None)
            waiting.extend(found.raw_get(key) for key in found)
        if isinstance(found, StreamObject) and found.get("/Filter") in ("/DCTDecode", ["/DCTDecode"]):
            found._data = _without_telling_segments(found._data)  # noqa: SLF001 - decoding and encoding would blur it


def _without_telling_segments(jpeg: bytes) -> bytes:
    """Return a JPEG without comments and without application segments the picture does not depend on."""
    kept, at = [jpeg[:2]], 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != _SCAN:
        marker, end = jpeg[at + 1], at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        is_telling = marker == _COMMENT or (
            marker in _APPLICATION and not jpeg[at + 4 : end].startswith(_PART_OF_THE_PICTURE.get(marker, b"\0none"))
        )
        if not is_telling:
            kept.append(jpeg[at:end])
        at = end
    return b"".join((*kept, jpeg[at:]))
