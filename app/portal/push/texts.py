"""The words of notifications on a device."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Notifications on this device",
        "why": "When somebody needs help, this device can be woken by a notification, even while no page is open. It"
        " says only that somebody is needed; one tap opens the alarm.",
        "not_offered": "This installation sends no notifications to browsers. You are told by the other ways of your"
        " preferences.",
        "on": "On: this device is notified.",
        "off": "Off: this device is not notified.",
        "turn_on": "Switch on",
        "turn_off": "Switch off",
        "needs_script": "Switching needs JavaScript, which is off in this browser.",
        "says_on": "This device is notified from now on.",
        "says_off": "This device is not notified any more.",
        "says_denied": "This browser was told not to show notifications of this site. Allow them in the browser's"
        " settings (often by the lock beside the address), then come back.",
        "says_unsupported": "This browser cannot show notifications. On an iPhone or iPad, first add this site to the"
        " home screen (Share, then Add to Home Screen) and open it from there.",
        "says_failed": "That did not work. Check the connection and try again.",
        "says_working": "One moment…",
        "offer_question": "Shall this device tell you when something is new?",
        "offer_why": "It makes a sound, and shows a short message without names.",
        "offer_yes": "Yes, tell me",
        "offer_later": "Not now",
        "also": "If a notification does not arrive, you are still told by text message or phone, as before.",
    },
    "zh-CN": {
        "title": "此设备上的通知",
        "why": "有人需要帮助时，即使没有打开页面，此设备也能收到通知。通知只说有人需要帮助，点一下就能打开警报。",
        "not_offered": "此系统不向浏览器发送通知。仍会按您的偏好以其他方式通知您。",
        "on": "已开启：此设备会收到通知。",
        "off": "已关闭：此设备不会收到通知。",
        "turn_on": "开启",
        "turn_off": "关闭",
        "needs_script": "切换需要 JavaScript，而此浏览器已将其关闭。",
        "says_on": "从现在起此设备会收到通知。",
        "says_off": "此设备不再收到通知。",
        "says_denied": "此浏览器被设置为不显示本站的通知。请在浏览器设置中允许（通常在地址旁的锁形图标里）。",
        "says_unsupported": "此浏览器无法显示通知。在 iPhone 或 iPad 上，请先用“分享”添加到主屏幕，再从那里打开。",
        "says_failed": "没有成功。请检查网络后重试。",
        "says_working": "请稍候……",
        "offer_question": "有新消息时，要这台设备提醒您吗？",
        "offer_why": "它会响一声，显示一条不带名字的短消息。",
        "offer_yes": "好，提醒我",
        "offer_later": "先不用",
        "also": "如果通知没有送达，仍会像以前一样用短信或电话通知您。",
    },
}
