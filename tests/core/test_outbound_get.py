"""Reading what others have somewhere: so much of it, over a few redirects, and by no detour into our own network."""

import pytest

from app.core import outbound
from app.core.outbound import AddressForbidden, AnswerTooBig, TooManyRedirects, get, outbound_session
from tests.sinks.webhooks import Answering, Receiver, receiver


def leads(to: str, status: int = 302) -> Answering:
    return Answering(status, {"Location": to})


async def read(running: Receiver, path: str, most: int = 100) -> outbound.Answer:
    async with outbound_session(allow_private=True) as session:
        return await get(session, f"{running.url}{path}", headers={"If-None-Match": '"1"'}, most=most)


async def test_redirects_are_followed_with_what_was_asked() -> None:
    async with receiver() as running:
        running.answers = {
            "/a": leads("b", 301),
            "/b": leads("/c", 307),
            "/c": leads(f"{running.url}/d", 308),
            "/d": Answering(body=b"here"),
        }
        answer = await read(running, "/a")
        assert (answer.status, answer.body) == (200, b"here")
        assert [(call.path, call.headers["If-None-Match"]) for call in running.calls] == [
            (path, '"1"') for path in ("/a", "/b", "/c", "/d")
        ]


async def test_redirects_come_to_an_end() -> None:
    async with receiver() as running:
        running.answers = {"/a": leads("/b"), "/b": leads("/a"), "/lost": Answering(302)}
        with pytest.raises(TooManyRedirects):
            await read(running, "/a")
        assert len(running.calls) == 4
        assert (await read(running, "/lost")).status == 302


async def test_no_more_is_read_than_is_wanted() -> None:
    async with receiver() as running:
        running.answers = {"/fits": Answering(body=b"x" * 100), "/big": Answering(body=b"x" * 101)}
        assert len((await read(running, "/fits")).body) == 100
        with pytest.raises(AnswerTooBig):
            await read(running, "/big")


async def test_a_redirect_into_our_own_network_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is all the internet a test has: one of its addresses stands for the public, another for ours."""
    monkeypatch.setattr(outbound, "is_public", lambda address: address != "127.0.0.2")
    monkeypatch.setattr(outbound, "_require_scheme", lambda _scheme, *, allow_private: None)  # noqa: ARG005
    async with receiver() as running, outbound_session(allow_private=False) as session:
        running.answers["/"] = leads(running.url.replace("127.0.0.1", "127.0.0.2") + "/inside")
        with pytest.raises(AddressForbidden):
            await get(session, f"{running.url}/", headers={}, most=100)
        assert [call.path for call in running.calls] == ["/"]


async def test_nothing_but_https_is_read() -> None:
    async with receiver() as running, outbound_session(allow_private=False) as session:
        with pytest.raises(AddressForbidden):
            await get(session, f"{running.url}/", headers={}, most=100)
        assert running.calls == []
