"""Answers that stay open are told past the layers of their request."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.core.handing_over import HandingOver, handover_of


async def _receive() -> Message:
    return {"type": "http.disconnect"}


class _Line:
    """A line that notes what is said on it, and an application behind a layer."""

    def __init__(self, *, fails: bool = False) -> None:
        self.said: list[str] = []
        self.layers = 0
        self._fails = fails

    async def send(self, message: Message) -> None:
        self.said.append(message["body"])

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        self.layers += 1
        scope["made_for_the_request"] = object()
        handover = handover_of(scope)
        assert handover is not None
        await send({"body": "begun"})

        async def rest(receive: Receive, send: Send) -> None:
            del receive
            await send({"body": f"rest behind {self.layers} layers, {sorted(scope)}"})

        handover.leave(rest, lambda: self.said.append("given up"))
        self.layers -= 1
        if self._fails:
            raise ValueError("a layer failed")


async def test_the_rest_of_an_answer_is_told_once_all_layers_have_returned_and_the_request_is_let_go() -> None:
    line = _Line()
    await HandingOver(line.app)({"type": "http", "path": "/"}, _receive, line.send)
    assert line.said == ["begun", "rest behind 0 layers, ['path', 'type']"]


async def test_what_was_left_is_given_up_where_a_layer_fails() -> None:
    line = _Line(fails=True)
    with pytest.raises(ValueError, match="a layer failed"):
        await HandingOver(line.app)({"type": "http", "path": "/"}, _receive, line.send)
    assert line.said == ["begun", "given up"]


async def test_without_the_outermost_layer_nobody_would_take_the_rest() -> None:
    assert handover_of({"type": "http"}) is None
