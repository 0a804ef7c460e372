"""Calls to addresses that others chose go to the public internet and nowhere else, whatever a name says."""

import asyncio
import socket
from typing import Any

import pytest

from app.core import outbound
from app.core.outbound import AddressForbidden, is_public, outbound_session, require_allowed, send
from tests.sinks.webhooks import Answering, receiver


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1",
        "::1", "::", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1",
        "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1", "2001::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_an_address_that_leads_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/", "ftp://8.8.8.8/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/",
        "https://2130706433/", "https://169.254.169.254/latest/meta-data", "https://no-such-name.invalid/",
        "https:///", "https://" + "a" * 300 + "/",
    ],
)  # fmt: skip
async def test_an_address_is_refused_before_it_is_called(url: str) -> None:
    with pytest.raises(AddressForbidden):
        await require_allowed(url, allow_private=False)


async def test_a_public_address_is_let_pass_and_with_permission_a_private_one() -> None:
    await require_allowed("https://8.8.8.8/hook", allow_private=False)
    await require_allowed("http://127.0.0.1/hook", allow_private=True)


async def test_nothing_but_https_is_called() -> None:
    async with receiver() as running, outbound_session(allow_private=False) as session:
        with pytest.raises(AddressForbidden):
            await send(session, "POST", f"{running.url}/", data=b"", headers={})
        assert running.calls == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_a_private_address_is_not_connected_to(host: str) -> None:
    async with outbound_session(allow_private=False) as session:
        with pytest.raises(AddressForbidden):
            await send(session, "POST", f"https://{host}:9/", data=b"", headers={})


async def test_a_name_that_changes_its_mind_gets_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["8.8.8.8", "127.0.0.1"])

    async def getaddrinfo(_host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    await require_allowed("https://rebinding.example/", allow_private=False)
    async with outbound_session(allow_private=False) as session:
        with pytest.raises(AddressForbidden):
            await send(session, "POST", "https://rebinding.example/", data=b"", headers={})
    assert list(answers) == []


async def test_a_redirect_is_an_answer_and_an_endless_one_is_cut() -> None:
    async with receiver() as running, outbound_session(allow_private=True) as session:
        running.answers["/moved"] = Answering(302, {"Location": f"{running.url}/elsewhere"})
        running.answers["/long"] = Answering(body=b"x" * (3 * outbound.MAX_ANSWER))
        assert (await send(session, "POST", f"{running.url}/moved", data=b"", headers={})).status == 302
        assert (
            len((await send(session, "POST", f"{running.url}/long", data=b"", headers={})).body) == outbound.MAX_ANSWER
        )
        assert running.on("/elsewhere") == []


async def test_a_call_ends_in_its_time_even_where_the_answer_drips() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, outbound_session(allow_private=True, total=0.3) as session:
        with pytest.raises(TimeoutError):
            await send(session, "POST", f"http://127.0.0.1:{port}/", data=b"", headers={})
