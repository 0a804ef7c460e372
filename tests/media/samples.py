"""Small files of each kind, as phones and scanners make them."""

import io
import struct

from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    StreamObject,
    TextStringObject,
)

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


def pdf(*, password: str | None = None) -> bytes:
    """Return a page with a photo and a note, and everything a writing program tells beside it."""
    writer = PdfWriter()
    page = writer.add_blank_page(200, 100)
    writer.add_metadata({"/Author": "Ada Writer", "/Title": "C:\\Users\\ada\\letter.docx"})
    writer.add_attachment("cellar-key.txt", b"under the mat")
    xmp = StreamObject()
    xmp.set_data(b"<x:xmpmeta><dc:creator>Ada Writer</dc:creator></x:xmpmeta>")
    writer.root_object[NameObject("/Metadata")] = writer._add_object(xmp)
    jpeg = StreamObject()
    jpeg.update(
        {
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Filter"): NameObject("/DCTDecode"),
            NameObject("/Width"): FloatObject(40),
            NameObject("/Height"): FloatObject(20),
            NameObject("/ColorSpace"): NameObject("/DeviceRGB"),
            NameObject("/BitsPerComponent"): FloatObject(8),
            NameObject("/PieceInfo"): DictionaryObject(
                {NameObject("/Shop"): TextStringObject("scanner of Ada Writer")}
            ),
        }
    )
    jpeg._data = photo()
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/XObject"): DictionaryObject({NameObject("/Photo"): writer._add_object(jpeg)})}
    )
    note = DictionaryObject(
        {
            NameObject("/Subtype"): NameObject("/Text"),
            NameObject("/Rect"): ArrayObject(FloatObject(number) for number in (0, 0, 10, 10)),
            NameObject("/T"): TextStringObject("Ada Writer"),
            NameObject("/Contents"): TextStringObject("twice a day"),
        }
    )
    page[NameObject("/Annots")] = ArrayObject([writer._add_object(note)])
    if password is not None:
        writer.encrypt(password, algorithm="AES-256")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


PDF = pdf()
