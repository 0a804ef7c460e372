"""What a zone means, in plain words for the one it is about."""

from collections.abc import Sequence
from typing import Final

from eldercare.safe_zones.rules.crossings import Kind
from eldercare.safe_zones.rules.geometry import Circle, Shape
from eldercare.safe_zones.rules.hours import Window

_DAYS: Final = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh-CN": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}
_WEEK: Final = frozenset(range(1, 8))


def plain_words(language: str, kind: Kind, name: str, shape: Shape, windows: Sequence[Window], *, set_by: str) -> str:
    """Return what a zone means in ``language`` (one of ours): what is watched, when, and by whose wish."""
    return (_chinese if language == "zh-CN" else _english)(kind, name, shape, windows, set_by)


def _english(kind: Kind, name: str, shape: Shape, windows: Sequence[Window], set_by: str) -> str:
    size = f", {shape.radius:g} m around" if isinstance(shape, Circle) else ""
    when = "; ".join(_english_hours(window) for window in windows) or "at any time"
    does = "leave" if kind == "stay_inside" else "go to"
    return (
        f"When you {does} “{name}”{size}, people who help you are called. It holds {when}."
        f" They are also told when it is not known where you are. Set by {set_by}. You can pause or end it."
    )


def _english_hours(window: Window) -> str:
    days = "every day" if window.weekdays >= _WEEK else "on " + ", ".join(_names("en", window))
    return f"{days} from {window.start:%H:%M} to {window.end:%H:%M}"


def _chinese(kind: Kind, name: str, shape: Shape, windows: Sequence[Window], set_by: str) -> str:
    size = f"（周围 {shape.radius:g} 米）" if isinstance(shape, Circle) else ""
    when = "；".join(_chinese_hours(window) for window in windows) or "全天"
    does = "离开" if kind == "stay_inside" else "进入"
    return (
        f"当您{does}“{name}”{size}时，会通知帮助您的人。生效时间：{when}。"
        f"无法得知您的位置时，也会告诉他们。由{set_by}设定。您可以随时暂停或结束。"
    )


def _chinese_hours(window: Window) -> str:
    days = "每天" if window.weekdays >= _WEEK else "、".join(_names("zh-CN", window))
    return f"{days} {window.start:%H:%M} 至 {window.end:%H:%M}"


def _names(language: str, window: Window) -> list[str]:
    return [_DAYS[language][day - 1] for day in sorted(window.weekdays)]
