"""Where signing in leads: to pages of ours alone, whatever was asked."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.portal.sign_in.addresses import browser_label, own_address


@pytest.mark.parametrize(
    "wanted", ["/portal", "/portal/today", "/portal/residents/1/vitals?code=a&b=%2F#x", "/portal/today?next=//evil"]
)
def test_pages_of_ours_are_led_to(wanted: str) -> None:
    assert own_address(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "///evil.example",
        "https://evil.example/portal",
        "javascript:alert(1)",
        "/\\evil.example",
        "\\\\evil.example",
        "/portal\\@evil.example",
        "/\t/evil.example",
        "/portal\r\nSet-Cookie: a=b",
        "portal",
        "/portalx",
        "/v1/me/export",
        "/portal/sign-in?next=/portal",
        "/portal/sign-out",
        "http:///portal",
        "//[evil",
        "/portal?" + "x" * 600,
        "",
    ],
)
def test_anything_else_leads_to_the_first_page(wanted: str) -> None:
    assert own_address(wanted) == "/portal"


@given(st.text(alphabet="/\\:@.?#%portalevi \t\n[]") | st.text())
def test_nothing_leads_to_another_host(wanted: str) -> None:
    led = urlsplit(urljoin("https://ours.example/portal/sign-in", own_address(wanted)))
    assert (led.scheme, led.netloc) == ("https", "ours.example")
    assert led.path == "/portal" or led.path.startswith("/portal/")


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        ("Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox, Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1",
            "Safari, iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140.0 Safari/537 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537 Chrome/140.0 Safari/537", "Chrome, Linux"),
        ("curl/8", None),
        ("", None),
    ],
)
def test_a_browser_is_called_what_people_call_it(agent: str, label: str | None) -> None:
    assert browser_label(agent) == label
