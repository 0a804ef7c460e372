"""What the pages of looking on say."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "See what somebody sees",
        "lead": "To help somebody who calls, you can see for half an hour what they see. You can change nothing. They"
        " are told at once, and find your name and your reason under “who looked at my data”.",
        "find": "Whom do you help?",
        "find_hint": "The name, the number or the reference of a resident.",
        "nobody": "Nobody is found there.",
        "person": "As whom?",
        "resident": "{name}, resident",
        "circle": "{name}, care circle: {relationship}",
        "this_person": "The person you chose",
        "reason": "Why?",
        "reason_hint": "Ten characters at least. The person reads it.",
        "begin": "Look on for half an hour",
        "factor": "Show your second factor first: without it nobody looks on as somebody else.",
        "factor_show": "Show my second factor",
        "reason_wrong": "Say why in 10 to 500 characters.",
        "nobody_chosen": "Choose a person.",
        "viewing_goes_on": "You are looking on as somebody already. Stop that first.",
        "not_to_be_viewed": "Nobody can look on as this person: they run the community, or work elsewhere too.",
        "not_found": "This person is not of your community, or no longer here.",
        "done_stopped": "You have stopped looking on.",
    },
    "zh-CN": {
        "title": "以他人视角查看",
        "lead": "为帮助来电求助的人，您可以在半小时内看到对方所看到的内容，但不能更改任何内容。"
        "对方会立即收到通知，并可在“谁查看过我的数据”中看到您的姓名和理由。",
        "find": "您要帮助谁？",
        "find_hint": "住户的姓名、号码或编号。",
        "nobody": "没有找到任何人。",
        "person": "以谁的身份？",
        "resident": "{name}，住户",
        "circle": "{name}，关怀圈：{relationship}",
        "this_person": "您选择的人",
        "reason": "为什么？",
        "reason_hint": "至少十个字。对方会看到。",
        "begin": "查看半小时",
        "factor": "请先完成第二步验证：否则不能以他人身份查看。",
        "factor_show": "完成第二步验证",
        "reason_wrong": "请用 10 至 500 个字说明理由。",
        "nobody_chosen": "请选择一个人。",
        "viewing_goes_on": "您已在以他人身份查看。请先停止。",
        "not_to_be_viewed": "不能以此人的身份查看：对方管理社区，或同时在别处工作。",
        "not_found": "此人不属于您的社区，或已不在这里。",
        "done_stopped": "您已停止查看。",
    },
}
"""Language → what is said → the words."""
