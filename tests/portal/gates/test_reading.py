"""The page's own reader of QR codes: every version and level, and codes as they are held before a camera."""

from pathlib import Path
from typing import Final

import pytest
from PIL import Image

from tests.portal.gates.pictures import LEVELS, View, drawn, longest, seen
from tests.portal.gates.scripts import answers

TICKET: Final = "HL1:" + ("X50890LM7CN177E88G000000L102A0S622A0/H2M-J3$UW50 00.ZOYZGTF1N5LLD5:SL9%ME4EH8WHKC" * 2)[:147]
VIEWS: Final = {
    **{f"turned by {angle}": View(turned=angle) for angle in range(0, 360, 24)},
    **{f"{module} pixels a module": View(module=module, turned=4) for module in (2.5, 3, 4, 7, 8)},
    **{f"tilted {tilt}, turned {turn}": View(tilt=tilt, turned=turn) for tilt in (0.2, 0.5) for turn in (0, 30, 200)},
    **{f"noise of {noise}": View(noise=noise, turned=9) for noise in (10, 25, 40)},
    **{f"blurred by {blur}": View(blur=blur, turned=20) for blur in (1, 2)},
    **{f"in a shadow of {shade}": View(shade=shade, noise=5, turned=12) for shade in (80, 150)},
    "faint": View(ink=90, paper=150, around=130, noise=5),
    "on a bright screen in the dark": View(around=8, turned=5),
}


def read(directory: Path, pictures: list[Image.Image]) -> list[str | None]:
    """Return what the reader finds in each picture."""
    listed = []
    for index, picture in enumerate(pictures):
        path = directory / f"{index}.grey"
        path.write_bytes(picture.tobytes())
        listed.append({"path": str(path), "width": picture.width, "height": picture.height})
    found: list[str | None] = answers(directory, "pictures", {"pictures": listed})
    return found


def test_every_version_level_and_mask_up_to_version_twelve(tmp_path: Path) -> None:
    texts = {(version, level): longest(version, level) for version in range(1, 13) for level in LEVELS}
    found = read(tmp_path, [drawn(text, *which, mask=index % 8) for index, (which, text) in enumerate(texts.items())])
    assert dict(zip(texts, found, strict=True)) == texts


@pytest.mark.parametrize("text", ["310101194910010", "SC-2049 77", "社保卡 310101", "https://example.org/a?b=ü"])
def test_numbers_capitals_and_bytes(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, [drawn(text)]) == [text]


def test_a_ticket_however_it_is_held(tmp_path: Path) -> None:
    found = read(tmp_path, [seen(TICKET, view) for view in VIEWS.values()])
    assert [name for name, text in zip(VIEWS, found, strict=True) if text != TICKET] == []


def test_what_is_no_code_or_not_whole_is_no_text(tmp_path: Path) -> None:
    code = drawn(TICKET)
    torn = code.copy()
    torn.paste(255, (code.width // 3, code.height // 3, code.width, code.height))
    nothing = [Image.effect_noise((320, 240), 60), Image.new("L", (320, 240), 0), Image.new("L", (1, 1), 255)]
    assert read(tmp_path, [*nothing, torn, code.crop((0, 0, code.width // 2, code.height))]) == [None] * 5


def test_a_code_is_read_although_a_part_is_hidden(tmp_path: Path) -> None:
    code = drawn(TICKET, level="H")
    code.paste(255, (code.width // 2 - 24, code.height // 2 - 24, code.width // 2 + 24, code.height // 2 + 24))
    assert read(tmp_path, [code]) == [TICKET]
