"""Small files of each kind, as phones and scanners make them."""

import io
import struct

from PIL import Image

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
OGG = b"OggS" + bytes(60)


def photo(image_format: str = "JPEG", *, size: tuple[int, int] = (40, 20), gps: bool = True) -> bytes:
    """Return a picture, red at the top and blue below, stored lying on its side, with a place in its metadata."""
    upright = Image.new("RGB", (size[1], size[0]), "blue")
    upright.paste("red", (0, 0, size[1], size[0] // 2))
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    exif[0x010F] = "PhoneMaker"
    if gps:
        exif.get_ifd(0x8825)[2] = (31.0, 14.0, 0.0)
    written = io.BytesIO()
    comment = {"comment": b"taken at home"} if image_format == "JPEG" else {}
    lying.save(written, image_format, exif=exif, quality=95, **comment)
    return written.getvalue()


def mp4(*handlers: bytes) -> bytes:
    """Return the beginning of an MP4 with a track per handler: ``soun``, ``vide``."""
    tracks = b"".join(struct.pack(">I", 32) + b"hdlr" + bytes(8) + handler + bytes(12) for handler in handlers)
    return struct.pack(">I", 24) + b"ftypisom" + bytes(4) + b"isommp42" + tracks
