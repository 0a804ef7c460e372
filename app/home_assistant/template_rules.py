"""Which templates are rendered at all: those whose work is bounded by how they are written."""

from collections.abc import Iterator
from typing import Final

from jinja2 import nodes

from app.home_assistant.template_bounds import MOST_BITS
from app.home_assistant.template_words import FILTERS, FUNCTIONS, METHODS, TESTS

MOST_SOURCE: Final = 4_096
MOST_NODES: Final = 600
MOST_DEPTH: Final = 40
MOST_NAMED: Final = 8
_MOST_BRACKETS: Final = 32

_ALLOWED: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.Call,
    nodes.Compare,
    nodes.Operand,
    nodes.BinExpr,
    nodes.UnaryExpr,
    nodes.Concat,
    nodes.CondExpr,
    nodes.If,
    nodes.Assign,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Slice,
    nodes.Keyword,
)
_NOT_NAMES: Final = frozenset({"caller", "kwargs", "loop", "self", "super", "varargs"})
_CONTAINERS: Final = (nodes.List, nodes.Tuple, nodes.Dict)


class TemplateRefused(ValueError):  # noqa: N818 - says what happened
    """A template that is not rendered; its text says why, in one word."""


def require_short(source: str) -> None:
    """Raise ``TemplateRefused`` for a template too long or too deep to be parsed."""
    if len(source) > MOST_SOURCE:
        raise TemplateRefused("template_too_long")
    depth = 0
    for sign in source:
        if sign in "([{":
            depth += 1
            if depth > _MOST_BRACKETS:
                raise TemplateRefused("template_too_deep")
        elif sign in ")]}":
            depth = max(0, depth - 1)


def require_tame(tree: nodes.Template) -> None:
    """Raise ``TemplateRefused`` for a template that loops, defines, fetches, or calls what it should not."""
    named = 0
    for count, (node, depth) in enumerate(_walk(tree)):
        if count > MOST_NODES or depth > MOST_DEPTH:
            raise TemplateRefused("template_too_deep")
        if not isinstance(node, _ALLOWED):
            raise TemplateRefused("template_not_allowed")
        if isinstance(node, nodes.Assign):
            named += 1
            _require_plain_name(node)
        _require_known(node)
    if named > MOST_NAMED:
        raise TemplateRefused("template_not_allowed")


def _walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]


def _require_plain_name(node: nodes.Assign) -> None:
    # A list of what has been named before could be named again, doubling each time until it fills the memory.
    if not isinstance(node.target, nodes.Name):
        raise TemplateRefused("template_not_allowed")
    for literal in node.node.find_all(_CONTAINERS):
        if any(True for _ in literal.find_all((nodes.Name, nodes.Call))):
            raise TemplateRefused("template_not_allowed")
    if isinstance(node.node, _CONTAINERS) and any(True for _ in node.node.find_all((nodes.Name, nodes.Call))):
        raise TemplateRefused("template_not_allowed")


def _require_known(node: nodes.Node) -> None:
    match node:
        case nodes.Call():
            known = (isinstance(node.node, nodes.Name) and node.node.name in FUNCTIONS) or (
                isinstance(node.node, nodes.Getattr) and node.node.attr in METHODS
            )
        case nodes.Filter():
            known = node.name in FILTERS
        case nodes.Test():
            known = node.name in TESTS
        case nodes.Name():
            known = node.name not in _NOT_NAMES and not node.name.startswith("_")
        case nodes.Getattr():
            known = not node.attr.startswith("_")
        case nodes.Const():
            known = not isinstance(node.value, int) or node.value.bit_length() <= MOST_BITS
        case _:
            known = True
    if known and isinstance(node, nodes.Call | nodes.Filter | nodes.Test):
        known = node.dyn_args is None and node.dyn_kwargs is None
    if not known:
        raise TemplateRefused("template_not_allowed")
