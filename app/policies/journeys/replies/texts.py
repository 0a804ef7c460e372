"""What somebody who answered by phone is told: in a text message, or spoken at the end of the call."""

from collections.abc import Mapping
from typing import Final

from app.identity.api import language_for
from app.policies.journeys.replies.rules import Outcome

_TEXTS: Final[Mapping[Outcome, Mapping[str, str]]] = {
    "answered": {"en": "Thank you, your answer has arrived.", "zh-CN": "谢谢，已收到您的回复。"},
    "contradicts": {
        "en": "You asked for help earlier. Somebody will get in touch with you.",
        "zh-CN": "您之前请求过帮助，我们会有人联系您。",
    },
    "too_early": {"en": "It is too early for that answer. We will ask you.", "zh-CN": "现在还太早，到时我们会问您。"},
    "acknowledged": {
        "en": "Thank you. You have taken this alarm; the others are told.",
        "zh-CN": "谢谢。此警报由您处理，已通知其他人。",
    },
    "taken": {"en": "Thank you. Somebody else is already taking care of it.", "zh-CN": "谢谢，已有其他人在处理。"},
    "closed": {"en": "Thank you. That alarm is over.", "zh-CN": "谢谢，该警报已结束。"},
    "refused": {
        "en": "This cannot be answered by phone. Please open the app.",
        "zh-CN": "此事无法通过电话处理，请打开应用。",
    },
    "nothing_open": {"en": "There is no open alarm for you.", "zh-CN": "目前没有需要您处理的警报。"},
    "ambiguous": {
        "en": "Nothing has changed: please repeat your answer with the four-digit code of our message.",
        "zh-CN": "尚未生效：请在回复后加上我们短信中的四位数字代码。",
    },
    "unreadable": {
        "en": "We did not understand. Please answer with the words and the code of our message.",
        "zh-CN": "我们没有看懂，请按我们短信中的文字和代码回复。",
    },
    "kept": {"en": "Thank you, we expect you.", "zh-CN": "谢谢，我们等您。"},
    "dropped": {"en": "Your appointment is called off.", "zh-CN": "您的预约已取消。"},
    "heard": {"en": "Thank you.", "zh-CN": "谢谢。"},
    # The provider itself confirms these two, and sends nothing more to who said stop.
    "opted_out": {"en": "", "zh-CN": ""},
    "opted_in": {"en": "", "zh-CN": ""},
}


def text_of(outcome: Outcome, language: str) -> str:
    """Return what is said in the language that serves a reader of ``language`` best; empty for nothing."""
    return _TEXTS[outcome][language_for(language)]
