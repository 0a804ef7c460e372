"""The words about paying: what one's bank asks, and how a payment stands."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "your_payment": "Your payment",
        "payment_asking": "Waiting for your bank",
        "payment_asks": "Your bank asks whether it is really you",
        "payment_agreed": "Your bank has agreed",
        "payment_paid": "It is booked",
        "payment_failed": "Not paid",
        "payment_over": "It is over",
        "payment_says_asking": "Your bank is being asked. This page says its answer as soon as it is here.",
        "payment_says_asks": "Your bank's own page asks you, and then leads you back here. Nothing is paid before.",
        "payment_says_agreed": "One moment: what you chose is being booked.",
        "payment_says_paid": "Your bank has agreed, and what you chose is booked.",
        "payment_says_failed": "Your bank did not agree. Nothing was paid, and nothing is booked. You can choose"
        " another way to pay.",
        "payment_says_over": "What you chose is not booked, or no longer. If your bank kept something for it, it lets"
        " go of it.",
        "payment_back_early": "Its answer is not here yet: that takes a few seconds. If you have not finished there,"
        " go there once more.",
        "payment_kept_until": "It is kept for you until {until}.",
        "payment_go_on": "Go on",
        "made_up_bank": "The made-up bank",
        "made_up_bank_asks": "No card here is real, and nor is this bank. Is it you who pays {amount}?",
        "made_up_bank_yes": "Yes, it is me",
        "made_up_bank_no": "No",
    },
    "zh-CN": {
        "your_payment": "您的付款",
        "payment_asking": "等银行答复",
        "payment_asks": "您的银行想确认是不是您本人",
        "payment_agreed": "您的银行已经同意",
        "payment_paid": "已经订好",
        "payment_failed": "没有付成",
        "payment_over": "已经结束",
        "payment_says_asking": "正在询问您的银行。一有答复，这里就会显示。",
        "payment_says_asks": "银行会在自己的网页上问您，然后带您回到这里。在那之前不会付钱。",
        "payment_says_agreed": "请稍等，正在为您预订。",
        "payment_says_paid": "您的银行已经同意，您选的已经订好。",
        "payment_says_failed": "您的银行没有同意。没有付钱，也没有预订。您可以换一种方式付钱。",
        "payment_says_over": "您选的没有订成，或已经取消。银行如果留了钱，会放开。",
        "payment_back_early": "答复还没有到，需要几秒钟。如果您在银行那里还没有办完，请再去一次。",
        "payment_kept_until": "为您保留到{until}。",
        "payment_go_on": "继续",
        "made_up_bank": "演示银行",
        "made_up_bank_asks": "这里的卡不是真的，这家银行也不是。是您本人要付{amount}吗？",
        "made_up_bank_yes": "是我本人",
        "made_up_bank_no": "不是",
    },
}
