"""What people may be called and write, so that no page takes it for its own."""

from typing import Final

MARKUP: Final = '<script>alert(1)</script><img src=x onerror="alert(2)">'
QUOTES: Final = "\"'` onmouseover=alert(3) x='"
TEMPLATE: Final = "{{ 7 * 7 }}{% raw %}${7*7}"
BACKWARDS: Final = "\u202eereht si ydobon"
CHINESE: Final = "上官婉儿欧阳娜娜司马相如诸葛亮东方不败慕容复令狐冲独孤求败"
GERMAN: Final = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
NAMES: Final = (MARKUP, QUOTES, TEMPLATE, BACKWARDS, CHINESE, GERMAN)


def harmless(page: str) -> bool:
    """Say whether what people wrote stands in a page as text alone."""
    return not any(piece in page for piece in (MARKUP, MARKUP[:24], '<img src=x onerror="', "\"'` onmouseover"))
