"""Templates of devices' makers: rendered as Home Assistant does, in a sandbox where none of them takes long.

Each is compiled once, from a tree that was looked through; most devices' templates only pick one value, and those are
not rendered at all.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import jinja2
from jinja2 import TemplateError, nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from app.home_assistant.heard import NOT_JSON, Heard
from app.home_assistant.template_bounds import MOST_CHARACTERS, TemplateTooMuch, binary, bounded, replaced
from app.home_assistant.template_rules import MOST_SOURCE, TemplateRefused, require_short, require_tame
from app.home_assistant.template_words import FILTERS, FUNCTIONS, METHODS, TESTS

_PICKS: Final = re.compile(
    r"\s*\{\{-?\s*value_json((?:\.[A-Za-z][A-Za-z0-9_]*|\[\s*'[^'\\\n]+'\s*\]|\[\s*\"[^\"\\\n]+\"\s*\])+)\s*-?\}\}\s*"
)
_STEP: Final = re.compile(r"\.([A-Za-z][A-Za-z0-9_]*)|\[\s*'([^']+)'\s*\]|\[\s*\"([^\"]+)\"\s*\]")
_IS_VALUE: Final = re.compile(r"\s*\{\{-?\s*value\s*-?\}\}\s*")
MOST_OF_A_HOME: Final = 65_536
"""Characters of different templates; two hundred devices of twenty makes have some sixteen thousand."""
_FAILURES: Final = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class TemplateFailed(ValueError):  # noqa: N818 - says what happened
    """A template could make nothing of what came; its text says why, in one word."""


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__(optimized=False, cache_size=0)
        self.globals = dict(FUNCTIONS)
        self.filters = dict(FILTERS)
        self.tests = dict(TESTS)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002 - jinja's
        return binary(operator, left, right)

    def call(self, context: Context, called: Any, /, *arguments: Any, **named: Any) -> Any:
        owner = getattr(called, "__self__", None)
        if isinstance(owner, str):
            if called.__name__ == "replace":
                return replaced(owner, *arguments)
            return bounded(called(*arguments))
        if isinstance(owner, dict):
            return called(*arguments)
        return super().call(context, called, *arguments, **named)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return (not callable(value) or attr in METHODS) and super().is_safe_attribute(obj, attr, value)


class _Joining(NodeTransformer):
    """Puts ``+`` for ``~``, so that texts put together are measured like all else."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - jinja's name
        parts = [self._text(self.visit(part), node.lineno) for part in node.nodes]
        joined = parts[0]
        for part in parts[1:]:
            joined = nodes.Add(joined, part, lineno=node.lineno)
        return joined

    @staticmethod
    def _text(node: nodes.Expr, line: int) -> nodes.Expr:
        return nodes.Filter(node, "string", [], [], None, None, lineno=line)


_SANDBOX: Final = _Sandbox()
_MISSING: Final = object()


class Template:
    """One template, ready to be rendered."""

    __slots__ = ("_path", "_picks_text", "_template", "_wants_json")

    def __init__(self, source: str) -> None:
        """Raise ``TemplateRefused`` for one that will not be rendered."""
        require_short(source)
        self._path = _path(source)
        self._picks_text = _IS_VALUE.fullmatch(source) is not None
        self._wants_json = "value_json" in source
        self._template = _compiled(source) if self._path is None and not self._picks_text else None

    def of(self, heard: Heard) -> str:
        """Return what it makes of a message; raises ``TemplateFailed``, and ``NotUnderstood`` for an unreadable one."""
        if self._path is not None:
            return _picked(heard.json, self._path)
        if self._picks_text:
            return heard.text.strip()
        document = heard.json if self._wants_json else NOT_JSON
        if document is NOT_JSON:
            return self.with_values({"value": heard.text})
        return self.with_values({"value": heard.text, "value_json": document})

    def with_values(self, values: Mapping[str, Any]) -> str:
        """Return what it makes of values by their names; raises ``TemplateFailed``."""
        if self._template is None:
            found = values.get("value") if self._picks_text else _picked(values.get("value_json"), self._path or ())
            return str(found).strip()
        try:
            return _gathered(self._template.root_render_func(self._template.new_context(dict(values))))
        except TemplateTooMuch:
            raise TemplateFailed("template_too_much") from None
        except _FAILURES:
            raise TemplateFailed("template_failed") from None


def _gathered(parts: Iterable[str]) -> str:
    gathered: list[str] = []
    length = 0
    for part in parts:
        gathered.append(part)
        length += len(part)
        if length > MOST_CHARACTERS:
            raise TemplateTooMuch
    return "".join(gathered).strip()


class Allowance:
    """What of one home's templates is made ready to be rendered.

    Making one ready takes some milliseconds, in which nobody else is heard: what would keep others waiting is refused.
    A template that many of a home's entities share counts once, one that only picks a value not at all.
    """

    __slots__ = ("_left", "_ready")

    def __init__(self, most: int = MOST_OF_A_HOME) -> None:
        self._left = most
        self._ready: set[str] = set()

    def template(self, source: str) -> Template | str:
        """Return a template, or the word for why it is not rendered: ``too_many_templates`` beyond the allowance."""
        if source not in self._ready and not _is_quick(source):
            if len(source) > self._left:
                return "too_many_templates"
            self._left -= len(source)
            self._ready.add(source)
        return template(source)


@lru_cache(maxsize=8_192)
def template(source: str) -> Template | str:
    """Return a template, or the word for why it is not rendered; each is compiled once."""
    try:
        return Template(source)
    except TemplateRefused as problem:
        return str(problem)


def _is_quick(source: str) -> bool:
    return len(source) > MOST_SOURCE or _IS_VALUE.fullmatch(source) is not None or _path(source) is not None


def _path(source: str) -> tuple[str, ...] | None:
    found = _PICKS.fullmatch(source)
    if found is None:
        return None
    path = []
    for dotted, single, double in _STEP.findall(found[1]):
        if dotted and hasattr(dict, dotted):
            return None  # a method goes before a key of its name
        path.append(dotted or single or double)
    return tuple(path)


def _picked(document: Any, path: tuple[str, ...]) -> str:
    for step in path:
        if not isinstance(document, dict):
            raise TemplateFailed("template_failed")
        document = document.get(step, _MISSING)
    if document is _MISSING:
        return ""
    return document.strip() if isinstance(document, str) else str(document)


def _compiled(source: str) -> jinja2.Template:
    try:
        tree = _SANDBOX.parse(source)
        require_tame(tree)
        tree = _Joining().visit(tree)
        return _SANDBOX.from_string(tree)
    except TemplateRefused:
        raise
    except (TemplateError, RecursionError, MemoryError, SyntaxError, ValueError, OverflowError):
        raise TemplateRefused("template_not_understood") from None
