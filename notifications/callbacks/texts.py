"""What a call says at its end, whatever it was about."""

from collections.abc import Mapping
from typing import Final

GOODBYE: Final[Mapping[str, str]] = {"en": "Goodbye.", "zh-CN": "再见。"}
