"""The words about help that comes again and again, as it is agreed on and ended."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "again_and_again": "Have this again and again",
        "how_often": "How often?",
        "shall_it_repeat": "Shall this come again and again?",
        "each_time_any": "{total} each time.",
        "each_time_workday": "{total} on a workday.",
        "each_time_weekend": "{total} at a weekend.",
        "each_time_holiday": "{total} on a holiday.",
        "repeat_promise": "You pay each time by itself, and never more than this without being asked. You can leave a"
        " day out, and end it, whenever you like.",
        "yes_repeat": "Yes, have it come",
        "end_repeat": "End this",
        "shall_it_end": "Shall this come no more?",
        "ending_says": "What is ordered already and too near to be called off for nothing still comes. You find it"
        " under Help at home.",
        "end_yes": "Yes, end it",
        "end_no": "No, it shall go on",
        "done_repeats": "It is agreed. These are the next times.",
        "done_repeat_ended": "It is ended.",
        "trouble_terms_changed": "The price has just changed. Look at the new one, and decide again.",
    },
    "zh-CN": {
        "again_and_again": "定期来",
        "how_often": "多久一次？",
        "shall_it_repeat": "要定期上门吗？",
        "each_time_any": "每次{total}。",
        "each_time_workday": "工作日每次{total}。",
        "each_time_weekend": "周末每次{total}。",
        "each_time_holiday": "节假日每次{total}。",
        "repeat_promise": "每次单独付钱，不先问您就不会多收。您随时可以让哪天不来，也可以随时停止。",
        "yes_repeat": "是，定期来",
        "end_repeat": "停止定期上门",
        "shall_it_end": "以后都不来了吗？",
        "ending_says": "已经预订、来不及免费取消的那次还会来。您可以在“上门服务”里看到。",
        "end_yes": "是，停止",
        "end_no": "不，继续来",
        "done_repeats": "已经约好。下面是接下来几次。",
        "done_repeat_ended": "已经停止。",
        "trouble_terms_changed": "价格刚刚变了。请看新的价格再决定。",
    },
}
