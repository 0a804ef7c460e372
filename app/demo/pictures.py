"""Pictures the demo's people take: a page with words on it, so that nobody is on them."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw

PNG: Final = "image/png"
_SIZE: Final = (620, 877)


def picture(words: str, paper: str = "white") -> bytes:
    """Return a PNG of a page with ``words``, on paper of a colour."""
    page = Image.new("RGB", _SIZE, paper)
    ImageDraw.Draw(page).multiline_text((60, 80), words, fill="black", font_size=22)
    file = BytesIO()
    page.save(file, "PNG")
    return file.getvalue()
