"""QR codes: as large as they have to be, with their quiet zone, and no library loaded before one is drawn."""

import itertools
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from app.core.qr_codes import QUIET, qr_code, qr_svg
from community.ticket_codes.rules import PREFIX
from tests.portal.gates.pictures import painted


def test_the_picture_is_as_large_as_a_code_and_its_quiet_zone() -> None:
    text = PREFIX + ("0123456789AB" * 13)[:147]
    width, path = qr_code(text)
    assert width == 41 + 2 * QUIET
    picture = painted(width, path)
    edge = [picture.getpixel((x, y)) for x, y in itertools.product(range(width), range(QUIET))]
    assert set(edge) == {255}


def test_an_svg_document_holds_the_code_and_its_quiet_zone() -> None:
    drawn = ET.fromstring(qr_svg("https://example.org/portal/gates?gate=1"))
    (dark,) = drawn
    assert drawn.get("viewBox") == "0 0 37 37"
    assert dark.get("d") == qr_code("https://example.org/portal/gates?gate=1").path


@pytest.mark.parametrize("module", ["app.core.qr_codes", "app.portal.assembly"])
def test_no_picture_library_is_loaded_for_codes_that_nobody_draws(module: str) -> None:
    said = f"import sys, {module}; sys.exit('qrcode' in sys.modules or 'PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], check=False).returncode == 0
