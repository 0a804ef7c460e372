"""The words of the pages: the same in both languages, each of them used, and one name for one thing."""

import ast
import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

import app.assembly  # noqa: F401 - with it every problem there is
from app.core.problems import Problem
from app.portal.ground.assets import PORTAL
from app.portal.ground.texts import COMMON

Words = Mapping[str, Mapping[str, str]]

FEATURES: Final = sorted(path.parent.name for path in PORTAL.glob("*/texts.py") if path.parent.name != "ground")
_PLACE: Final = re.compile(r"{\w+}")
_TEXTS: Final = re.compile(r"texts\w*|english|chinese")
_QUOTED: Final = re.compile(r""""([^"\n]*)"|'([^'\n]*)'""")
_ATTRIBUTE: Final = re.compile(r"(?:words|shared)\.([\w-]+)")
_BEGINS: Final = re.compile(r'"([\w-]+[_-])" ~')
_LAYOUT: Final = ("ground/layout.html", "ground/demo.html", "offline/list.html")
"""What stands around every page, whichever feature's it is."""
_SHARED: Final = re.compile(r"""shared(?:\.(\w+)|\["(\w+)")""")
_HANDED_ON: Final = frozenset({"authorize", "gates", "video_visits"})
"""Features whose words are looked up out of sight: by a script that is handed all of them, or in the texts' module."""
_LOOKED_UP_HERE: Final = [feature for feature in FEATURES if feature not in _HANDED_ON]


def _words_of(feature: str) -> Words:
    words: Words = import_module(f"app.portal.{feature}.texts").WORDS
    return words


def _used(folders: Iterable[Path]) -> tuple[set[str], set[str]]:
    """Return the texts that stand in the code of ``folders``, and the patterns of those put together there."""
    whole, made = set[str](), set[str]()
    for folder in folders:
        for path in folder.rglob("*.py"):
            if _TEXTS.fullmatch(path.stem):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom):
                    whole.update(one.name for one in node.names)
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    whole.add(node.value)
                elif isinstance(node, ast.JoinedStr):
                    made.add(_pattern(node))
        for path in [*folder.rglob("*.html"), *folder.rglob("*.js")]:
            text = path.read_text()
            whole.update(_ATTRIBUTE.findall(text))
            whole.update(one for found in _QUOTED.findall(text) for one in found)
            made.update(f"{begin}.+" for begin in _BEGINS.findall(text))
    return whole, {one for one in made if re.fullmatch(r"[\w-]+[_-]\.\+|\.\+_\w+", one)}


def _pattern(text: ast.JoinedStr) -> str:
    return "".join(str(one.value) if isinstance(one, ast.Constant) else ".+" for one in text.values)


def _codes(problem: type[Problem]) -> set[str]:
    return {problem.code}.union(*(_codes(one) for one in problem.__subclasses__()))


def _unused(words: Iterable[str], folders: Iterable[Path]) -> list[str]:
    whole, made = _used(folders)
    if {"changed", "trouble_of"} & whole:  # `ground.changing` says `trouble_<code>` for the feature
        whole |= {f"trouble_{code}" for code in _codes(Problem)}
    if "wrong" in whole:  # and `problem_<code>` with the fields' own, `ask_<key>` with what it is about
        made |= {"problem_.+", "wrong_.+"}
    if "ask_once_more" in whole:
        made |= {"ask_.+"}
    return [
        key
        for key in words
        if key not in whole
        and not any(re.fullmatch(one, key) for one in made)
        and not (key.startswith("done_") and key.removeprefix("done_") in whole)
    ]


@pytest.mark.parametrize("feature", FEATURES)
def test_both_languages_say_the_same_things_with_the_same_places_for_names(feature: str) -> None:
    words = _words_of(feature)
    assert words["en"].keys() == words["zh-CN"].keys()
    for key, text in words["en"].items():
        assert sorted(_PLACE.findall(text)) == sorted(_PLACE.findall(words["zh-CN"][key])), key


def test_what_all_pages_share_is_there_in_both_languages() -> None:
    assert COMMON["en"].keys() == COMMON["zh-CN"].keys()


@pytest.mark.parametrize("feature", _LOOKED_UP_HERE)
def test_every_word_of_a_feature_is_said_somewhere(feature: str) -> None:
    assert _unused(_words_of(feature)["en"], [PORTAL / feature]) == []


def test_every_word_all_pages_share_is_said_somewhere() -> None:
    assert _unused(COMMON["en"], [path for path in PORTAL.iterdir() if path.is_dir()]) == []


@pytest.mark.parametrize("feature", FEATURES)
def test_no_feature_calls_a_word_of_its_own_as_the_layout_calls_one(feature: str) -> None:
    texts = [(PORTAL / path).read_text() for path in _LAYOUT]
    assert [text for text in texts if re.search(r"\bwords\b", text)] == []
    said = {whole or begins for text in texts for whole, begins in _SHARED.findall(text)}
    assert {"product", "skip", "nav_", "demo_"} <= said
    shown = {key for key in COMMON["en"] if key in said or any(key.startswith(one) for one in said if one[-1] == "_")}
    assert shown & _words_of(feature)["en"].keys() == set()


@pytest.mark.parametrize("feature", _LOOKED_UP_HERE)
def test_no_feature_says_for_itself_what_all_pages_share(feature: str) -> None:
    words = _words_of(feature)
    same = [
        key
        for key, text in words["en"].items()
        if COMMON["en"].get(key) == text and COMMON["zh-CN"][key] == words["zh-CN"][key]
    ]
    assert same == []


@pytest.mark.parametrize("feature", FEATURES)
def test_a_circle_has_one_name_in_chinese(feature: str) -> None:
    others = [key for key, text in _words_of(feature)["zh-CN"].items() if re.search("照护圈|关爱圈|亲友圈", text)]
    assert others == []
