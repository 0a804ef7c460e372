"""Pictures of QR codes as a camera at a gate sees them: turned, tilted, near and far, noisy, blurred, in shadow."""

import random
from dataclasses import dataclass
from typing import Final

import qrcode
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from qrcode.base import rs_blocks

ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
LEVELS: Final = {
    "L": qrcode.constants.ERROR_CORRECT_L,
    "M": qrcode.constants.ERROR_CORRECT_M,
    "Q": qrcode.constants.ERROR_CORRECT_Q,
    "H": qrcode.constants.ERROR_CORRECT_H,
}
_WIDTH, _HEIGHT = 640, 480


@dataclass(frozen=True, slots=True)
class View:
    """How a code is seen. ``tilt`` is by how much a module far away is smaller than one near."""

    module: float = 6
    turned: float = 0
    tilt: float = 0
    noise: int = 0
    blur: float = 0
    shade: int = 0
    ink: int = 0
    paper: int = 255
    around: int = 140


def drawn(text: str, version: int | None = None, level: str = "M", mask: int | None = None) -> Image.Image:
    """Return a code as it is printed, four pixels a module."""
    code = qrcode.QRCode(version, LEVELS[level], box_size=4, border=4, mask_pattern=mask)
    code.add_data(text)
    code.make(fit=version is None)
    return code.make_image().get_image().convert("L")


def longest(version: int, level: str) -> str:
    """Return a text of capitals and numbers that fills a code of this version and level."""
    chance = random.Random(f"{version}{level}")
    bits = 8 * sum(block.data_count for block in rs_blocks(version, LEVELS[level]))
    pairs, left = divmod(bits - 4 - (9 if version < 10 else 11), 11)
    return "".join(chance.choice(ALPHANUMERIC) for _ in range(2 * pairs + (left >= 6)))


def seen(text: str, view: View) -> Image.Image:
    """Return what a camera sees of a code."""
    printed = drawn(text).point(lambda value: view.paper if value else view.ink)
    side = round(printed.width * view.module / 4)
    printed = printed.resize((side, side), Image.Resampling.BICUBIC)
    scene = Image.new("LA", (_WIDTH, _HEIGHT), (view.around, 0))
    scene.paste(
        Image.merge("LA", (printed, Image.new("L", printed.size, 255))), ((_WIDTH - side) // 2, (_HEIGHT - side) // 2)
    )
    scene = scene.rotate(view.turned, Image.Resampling.BICUBIC)
    if view.tilt:
        scene = scene.transform(scene.size, Image.Transform.PERSPECTIVE, _tilted(view.tilt), Image.Resampling.BICUBIC)
    picture = Image.new("L", scene.size, view.around)
    picture.paste(scene.getchannel("L"), mask=scene.getchannel("A"))
    if view.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(view.blur))
    if view.shade:
        shadow = Image.linear_gradient("L").resize(picture.size).point(lambda value: value * view.shade // 255)
        picture = ImageChops.subtract(picture, shadow)
    if view.noise:
        picture = ImageChops.add(picture, Image.effect_noise(picture.size, view.noise), offset=-128)
    return picture


def _tilted(tilt: float) -> tuple[float, ...]:
    """Return the projection of a picture whose upper side is farther away than its lower one."""
    x, y = _WIDTH / 2, _HEIGHT / 2
    near = 1 + tilt / 2
    part = -tilt / _HEIGHT
    shown = (1, x * part, -x * part * y, 0, 1 + y * part, -y * part * y, 0, part)
    return tuple(value / near for value in shown)


def painted(width: int, path: str) -> Image.Image:
    """Return the modules of a path as a picture, one pixel each."""
    picture = Image.new("L", (width, width), 255)
    for piece in path.split("z")[:-1]:
        start, _, run = piece.removeprefix("M").partition("h")
        x, y = map(int, start.split())
        ImageDraw.Draw(picture).rectangle((x, y, x + int(run.partition("v")[0]) - 1, y), fill=0)
    return picture
