"""What is kept of an upload: the picture, upright, and nothing about its maker, place and time."""

import hashlib
import io

import pytest
from PIL import Image

from app.core.problems import Problem
from app.media.content import checked, sniffed
from app.media.problems import ChecksumMismatch, ContentMismatch, UnreadableContent
from tests.media import samples

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
