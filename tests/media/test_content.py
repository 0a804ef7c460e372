"""What is kept of an upload: the picture, upright, and nothing about its maker, place and time."""

import hashlib
import io
import struct

import pypdf
import pytest
from PIL import Image

from app.core.problems import Problem
from app.media.content import checked, sniffed
from app.media.problems import ChecksumMismatch, ContentMismatch, DocumentLocked, UnreadableContent
from tests.media import samples

HEIC = struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(40)
MANY_PIXELS = 1_000_000


def _pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return found


def _checked(data: bytes, declared: str, *, max_pixels: int = MANY_PIXELS) -> bytes:
    return checked(data, declared, hashlib.sha256(data).digest(), max_pixels=max_pixels)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_keeps_what_it_shows_and_loses_what_it_tells(image_format: str) -> None:
    taken = samples.photo(image_format)
    assert b"PhoneMaker" in taken
    kept = _checked(taken, f"image/{image_format.lower()}")
    assert b"PhoneMaker" not in kept
    assert b"taken at home" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert (image.format, image.size) == (image_format, (20, 40))
        assert not image.getexif()
        assert image.info.get("xmp") is None
        shown = image.convert("RGB")
        red, blue = _pixel(shown, 10, 5), _pixel(shown, 10, 35)
    assert red[0] - red[2] > 150
    assert blue[2] - blue[0] > 150


def test_a_document_keeps_its_pages_and_loses_what_it_tells() -> None:
    telling = (b"Ada Writer", b"letter", b"cellar", b"under the mat", b"PhoneMaker", b"taken at home")
    assert all(word in samples.PDF for word in telling)
    kept = _checked(samples.PDF, "application/pdf")
    assert not [word for word in telling if word in kept]
    reader = pypdf.PdfReader(io.BytesIO(kept))
    assert reader.metadata is None
    assert reader.xmp_metadata is None
    (page,) = reader.pages
    assert (page.mediabox.width, page.mediabox.height) == (200, 100)
    assert [note.get_object()["/Contents"] for note in page["/Annots"]] == ["twice a day"]  # type: ignore[attr-defined]
    (image,) = page.images
    assert image.image is not None
    red, blue = _pixel(image.image.convert("RGB"), 5, 10), _pixel(image.image.convert("RGB"), 35, 10)
    assert abs(red[0] - blue[0]) > 150


def test_an_earlier_revision_of_a_document_is_not_kept() -> None:
    first = io.BytesIO(samples.PDF)
    writer = pypdf.PdfWriter(first, incremental=True)
    writer.pages[0].pop("/Annots")
    second = io.BytesIO()
    writer.write(second)
    assert b"twice a day" in second.getvalue()
    assert b"twice a day" not in _checked(second.getvalue(), "application/pdf")


def test_a_document_that_only_restricts_printing_is_opened() -> None:
    kept = _checked(samples.pdf(password=""), "application/pdf")
    assert not pypdf.PdfReader(io.BytesIO(kept)).is_encrypted


def test_transparency_is_part_of_the_picture() -> None:
    clear = Image.new("P", (4, 4))
    written = io.BytesIO()
    clear.save(written, "PNG", transparency=0)
    with Image.open(io.BytesIO(_checked(written.getvalue(), "image/png"))) as image:
        assert _pixel(image.convert("RGBA"), 0, 0)[3] == 0


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (samples.photo("PNG"), "image/png"),
        (samples.PDF, "application/pdf"),
        (samples.OGG, "audio/ogg"),
        (samples.mp4(b"soun"), "audio/mp4"),
        (samples.mp4(b"vide", b"soun"), "video/mp4"),
        (samples.mp4(), "video/mp4"),
        (HEIC, "image/heic"),
        (b"<html><script>alert(1)</script></html>", None),
        (b"", None),
    ],
)
def test_the_type_is_what_the_bytes_show(data: bytes, expected: str | None) -> None:
    assert sniffed(data) == expected


@pytest.mark.parametrize(
    ("data", "declared", "problem"),
    [
        (b"<html></html>", "image/png", ContentMismatch),
        (samples.photo("PNG"), "image/jpeg", ContentMismatch),
        (samples.mp4(b"vide", b"soun"), "audio/mp4", ContentMismatch),
        (samples.photo("JPEG")[:200], "image/jpeg", UnreadableContent),
        (samples.photo("PNG")[:60], "image/png", UnreadableContent),
        (b"%PDF-1.7 cut off", "application/pdf", UnreadableContent),
        (b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n", "application/pdf", UnreadableContent),
        (samples.pdf(password="secret"), "application/pdf", DocumentLocked),
        (HEIC, "image/jpeg", ContentMismatch),
    ],
)
def test_what_is_not_what_it_claims_is_refused(data: bytes, declared: str, problem: type[Problem]) -> None:
    with pytest.raises(problem):
        _checked(data, declared)


def test_an_enormous_picture_in_a_small_file_is_refused_by_its_header() -> None:
    written = io.BytesIO()
    Image.new("1", (4000, 4000)).save(written, "PNG")
    assert len(written.getvalue()) < 20_000
    with pytest.raises(UnreadableContent):
        _checked(written.getvalue(), "image/png")


def test_other_bytes_than_declared_are_noticed() -> None:
    with pytest.raises(ChecksumMismatch):
        checked(samples.PDF, "application/pdf", hashlib.sha256(b"another").digest(), max_pixels=MANY_PIXELS)
