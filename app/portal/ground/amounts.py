"""How much of a medicine: a number without a needless ``.0``, and its unit in words, as a reader says it."""

from collections.abc import Mapping
from typing import Final

from babel.numbers import format_decimal
from jinja2 import pass_context
from jinja2.runtime import Context

from app.portal.ground.moments import locale_of

_ENGLISH: Final[Mapping[str, tuple[str, str]]] = {
    "tablet": ("tablet", "tablets"),
    "capsule": ("capsule", "capsules"),
    "puff": ("puff", "puffs"),
    "spray": ("spray", "sprays"),
    "patch": ("patch", "patches"),
    "sachet": ("sachet", "sachets"),
    "suppository": ("suppository", "suppositories"),
    "ampule": ("ampule", "ampules"),
    "lozenge": ("lozenge", "lozenges"),
    "application": ("application", "applications"),
    "dose": ("dose", "doses"),
    "[drp]": ("drop", "drops"),
    "[tsp_us]": ("teaspoon", "teaspoons"),
    "[tbs_us]": ("tablespoon", "tablespoons"),
    "[iU]": ("IU", "IU"),
    "10*6.[iU]": ("million IU", "million IU"),
}
_CHINESE: Final[Mapping[str, str]] = {
    "tablet": "片",
    "capsule": "粒",
    "puff": "喷",
    "spray": "喷",
    "patch": "贴",
    "sachet": "袋",
    "suppository": "枚",
    "ampule": "支",
    "lozenge": "片（含服）",
    "application": "次",
    "dose": "剂",
    "[drp]": "滴",
    "[tsp_us]": "茶匙",
    "[tbs_us]": "汤匙",
    "[iU]": "国际单位",
    "10*6.[iU]": "百万国际单位",
}
_UNITS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "en": _ENGLISH,
    "zh-CN": {unit: (word, word) for unit, word in _CHINESE.items()},
}


def amount(language: str, quantity: float, unit: str) -> str:
    """Return an amount in words: ``1 tablet``, ``2.5 mL``, ``1 片``.

    ``unit`` is UCUM's, which puts what is counted in braces; one that we have no word for stands as it is.
    """
    name = unit.strip("{}")
    one, several = _UNITS[language].get(name, (name, name))
    return f"{format_decimal(quantity, locale=locale_of(language))} {one if quantity == 1 else several}".rstrip()


@pass_context
def amount_filter(context: Context, quantity: float | None, unit: str | None) -> str:
    """Return an amount for a template: ``{{ dose.quantity | amount(dose.unit) }}``; nothing for nothing."""
    return "" if quantity is None else amount(context["visit"].language, quantity, unit or "")
