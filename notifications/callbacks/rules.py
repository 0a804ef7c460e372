"""Pure decisions about what a provider reports: is it the provider, what does a status mean, what is spoken.

Sources, at https://www.twilio.com/docs: "Secure webhooks" (signature), "Messages resource" and "Calls resource"
(statuses), "TwiML Voice: <Gather>" and "<Say>".
"""

import base64
import hmac
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

SPOKEN_TIMES: Final = 3  # said once, and repeated twice for who reached the phone late or hears badly
KEY_SECONDS: Final = 6  # of silence after each time: enough to find the key
NO_KEY: Final = "no_key"
REPLIES_WITHIN: Final = timedelta(hours=48)  # of our text or call; later a reply is hardly to it
_UNSENT: Final = frozenset({"failed", "undelivered"})
_CALL_ENDED: Final = frozenset({"busy", "no-answer", "failed", "canceled"})
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_VOICES: Final[Mapping[str, str]] = {"en": "en-US", "zh-CN": "zh-CN"}
# XML 1.0 has no way to say these characters, and nobody can pronounce them.
_UNSPEAKABLE: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Progress = Literal["taken", "delivered", "opened", "failed", "completed"]


def signature(token: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Return what the provider signs a request with: HMAC-SHA1 over the address and the sorted parameters."""
    signed = url + "".join(name + value for name, value in sorted(set(parameters)))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def is_genuine(token: str, url: str, parameters: Sequence[tuple[str, str]], given: str) -> bool:
    """Say whether ``given`` is the provider's signature; some sign the address with its port, some without."""
    expected = [signature(token, variant, parameters).encode() for variant in (url, *_ported(url))]
    matches = [hmac.compare_digest(given.encode(), one) for one in expected]
    return any(matches)


def _ported(url: str) -> Iterable[str]:
    parts = urlsplit(url)
    if parts.hostname is None:
        return
    bare = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    yield urlunsplit(parts._replace(netloc=bare))
    yield urlunsplit(parts._replace(netloc=f"{bare}:{port}"))


def progress_of_message(status: str) -> Progress:
    """Return what a text message's status means for its delivery."""
    if status in _UNSENT:
        return "failed"
    return {"delivered": "delivered", "read": "opened"}.get(status, "taken")  # type: ignore[return-value]  # of the words above


def progress_of_call(status: str) -> Progress:
    """Return what a call's status means: that it was picked up and ended says nothing yet."""
    if status in _CALL_ENDED:
        return "failed"
    return "completed" if status == "completed" else "taken"


def is_machine(answered_by: str) -> bool:
    """Say whether the provider heard voicemail or a fax pick up."""
    return answered_by.startswith(("machine", "fax"))


def speech(text: str, goodbye: str, language: str, action: str) -> str:
    """Return the TwiML that says ``text`` until a key is pressed, three times at most, and then ``goodbye``."""
    response = ET.Element("Response")
    attributes = {"input": "dtmf", "numDigits": "1", "timeout": str(KEY_SECONDS), "action": action, "method": "POST"}
    for _ in range(SPOKEN_TIMES):
        _say(ET.SubElement(response, "Gather", attributes), text, language)
    _say(response, goodbye, language)
    ET.SubElement(response, "Hangup")
    return _document(response)


def last_words(text: str, language: str) -> str:
    """Return the TwiML that says ``text`` and hangs up; that only hangs up if there is nothing to say."""
    response = ET.Element("Response")
    if text:
        _say(response, text, language)
    ET.SubElement(response, "Hangup")
    return _document(response)


def text_reply(text: str | None) -> str:
    """Return the TwiML that answers a text message with ``text``, or with nothing."""
    response = ET.Element("Response")
    if text:
        ET.SubElement(response, "Message").text = _UNSPEAKABLE.sub("", text)
    return _document(response)


def _say(parent: ET.Element, text: str, language: str) -> None:
    ET.SubElement(parent, "Say", {"language": _VOICES.get(language, language)}).text = _UNSPEAKABLE.sub("", text)


def _document(response: ET.Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(response, encoding="unicode")
