"""QR codes (ISO/IEC 18004) as pictures that a camera reads at arm's length: dark on white in every look, level M."""

from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from app.core.later import Later

if TYPE_CHECKING:
    import qrcode
else:
    qrcode = Later("qrcode")

QUIET: Final = 4
"""Modules of white around a code: what the standard asks for."""


class QrCode(NamedTuple):
    """A code as a page draws it."""

    width: int
    """In modules, the quiet zone with it."""
    path: str
    """What is dark, as an SVG path in modules."""


@lru_cache(maxsize=256)
def qr_code(text: str) -> QrCode:
    """Return the code of a text, drawn row by row, so that no picture library is loaded for it."""
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=0)
    code.add_data(text, optimize=0)  # in one piece: a ticket is alphanumeric as a whole
    code.make(fit=True)
    rows, pieces = code.get_matrix(), list[str]()
    for y, row in enumerate(rows, QUIET):
        x = QUIET
        for is_dark, run in groupby(row):
            width = len(list(run))
            if is_dark:
                pieces.append(f"M{x} {y}h{width}v1h-{width}z")
            x += width
    return QrCode(len(rows) + 2 * QUIET, "".join(pieces))


def qr_svg(text: str) -> str:
    """Return the code of a text as an SVG document, a millimetre for each module, to be put on white."""
    width, path = qr_code(text)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{width}mm" viewBox="0 0 {width} {width}"'
        f' shape-rendering="crispEdges"><path d="{path}"/></svg>'
    )
