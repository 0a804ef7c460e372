"""Calls to addresses that others named never reach our own network."""

import pytest

from app.core.outbound import AddressForbidden, check_url, is_public


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::1"),
    ],
)
def test_everything_else_is_not_however_it_is_dressed(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.org/", "ftp://example.org/", "//example.org/", "https:///path", "", "https://[::1"),
        *("https://user@example.org/", "https://user:secret@example.org/", "https://example.org:99999/"),
        *("https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data", "https://[fe80::1%25e]/"),
    ],
)
def test_what_may_not_be_called_is_refused_before_it_is(url: str) -> None:
    with pytest.raises(AddressForbidden):
        check_url(url)


def test_what_may_be_called_is_let_through() -> None:
    check_url("https://push.example.org:8443/send/abc?d=1")
    check_url("http://127.0.0.1:8080/", allow_private=True)
    with pytest.raises(AddressForbidden):
        check_url("file:///etc/passwd", allow_private=True)
