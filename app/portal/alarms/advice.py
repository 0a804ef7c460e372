"""What to do first, by kind of alarm, for whoever is no professional: common first aid in few plain words.

Each list begins with what is urgent. ``{medical}``, ``{fire}`` and ``{police}`` are the community's numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Final

_GROUPS: Final[Mapping[str, str]] = {
    "sos": "sos",
    "check_in_help": "sos",
    "found_unwell": "sos",
    "fall": "fall",
    "smoke": "smoke",
    "gas": "gas",
    "carbon_monoxide": "carbon_monoxide",
    "stove": "stove",
    "water": "water",
    "intrusion": "intrusion",
    "wandering": "search",
    "position_unknown": "search",
    "missing_on_trip": "search",
    "door_at_night": "search",
    "vital_sign": "vital_sign",
    "medication": "medication",
    "cold": "cold",
    "heat": "heat",
    "bathroom_stay": "quiet",
    "bed_exit": "quiet",
    "inactivity": "quiet",
    "low_activity": "quiet",
    "no_answer_at_door": "quiet",
    "check_in_missed": "quiet",
    "check_in_unreachable": "quiet",
}
_OTHER: Final = "other"

ADVICE: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "en": {
        "sos": (
            "Call them. No answer, or they are badly hurt or ill: call {medical} and give the address.",
            "Go there, or ask whoever is nearest and has a key.",
            "Stay with them, or on the phone, until somebody is there.",
        ),
        "fall": (
            "Call {medical} if they do not wake up, breathe badly, bleed a lot, or have hit their head.",
            "Also for strong pain in the hip, the neck or the back: call {medical}.",
            "Do not pull them up. Keep them warm and talk to them.",
            "If nothing hurts: let them get up slowly by themselves, over the side and onto a chair.",
        ),
        "smoke": (
            "Call {fire} now. Do not go into smoke.",
            "Call them: leave the home if the way out is free, and close the door behind you.",
            "If the way is not free: stay in a room with the door shut, and show yourself at the window.",
        ),
        "gas": (
            "Call {fire}, from outside the house.",
            "Call them only if they are outside: no phone, bell or switch may be used near the gas.",
            "When you get there: open windows, touch no switch, bring everybody out.",
        ),
        "carbon_monoxide": (
            "It cannot be smelled. Call them: go outside at once. Then call {fire}.",
            "Headache, dizziness, sleepiness, or no answer: call {medical} too.",
            "Do not go in to look before the fire service has.",
        ),
        "stove": (
            "Call them: turn the stove off. Smoke or fire: call {fire}.",
            "No answer: somebody with a key has to look at once.",
            "Burning fat: never water. Put a lid on it and turn the stove off.",
        ),
        "water": (
            "Call them: close the main tap. Do not step into water near plugs or lamps.",
            "No answer: somebody with a key has to look; they may have fallen.",
        ),
        "intrusion": (
            "Call {police}. Do not go in by yourself.",
            "Call them only if a ringing phone cannot give them away.",
        ),
        "search": (
            "Call their phone, and look at where they were last.",
            "Go to where they like to be, and ask neighbours. One person stays at home in case they come back.",
            "Not found within a quarter of an hour, or cold, dark or heavy traffic: call {police}.",
        ),
        "vital_sign": (
            "Call {medical} for chest pain, shortness of breath, confusion, a drooping face, a weak arm or fainting.",
            "Call them and ask how they feel. Let them sit and rest, and measure again after five minutes.",
            "If it stays like this: ask their doctor today.",
        ),
        "medication": (
            "Ask whether they have taken it and it was only not noted down.",
            "Never a double dose to catch up. Not sure: ask the pharmacy or the doctor.",
        ),
        "cold": (
            "Call them. Shivering that stops, confusion, or very sleepy: call {medical}.",
            "Warm drinks, blankets, hat. Find out why the heating is off.",
        ),
        "heat": (
            "Call them. Confusion, fainting, or hot dry skin: call {medical} and cool them.",
            "Shade, water in small sips, damp cloths on neck and arms.",
        ),
        "quiet": (
            "Call them, every number. Often that is all there is to it.",
            "No answer: ask who saw them last, and let somebody with a key look now.",
            "If they do not wake up, breathe badly or are hurt: call {medical}.",
        ),
        "other": (
            "Call them and ask how they are.",
            "No answer: let somebody with a key look.",
            "Danger to life: call {medical}.",
        ),
    },
    "zh-CN": {
        "sos": (
            "给对方打电话。无人接听，或伤病严重：拨打 {medical} 并说明地址。",
            "马上过去，或请离得最近、有钥匙的人过去。",
            "在有人到达之前，陪在身边或保持通话。",
        ),
        "fall": (
            "如果叫不醒、呼吸困难、大量出血、撞到头部，或髋部、颈部、背部剧痛：拨打 {medical}。",
            "不要硬拉起来。注意保暖，陪对方说话。",
            "如果哪里都不疼：让对方慢慢自己起身，先侧身，再扶椅子。",
        ),
        "smoke": (
            "立即拨打 {fire}。不要进入烟雾中。",
            "给对方打电话：出路畅通就离开，并随手关门。",
            "出路不通：待在房间里关好门，到窗口让人看见。",
        ),
        "gas": (
            "到屋外拨打 {fire}。",
            "只有对方已在屋外时才打电话：燃气附近不能用电话、门铃或开关。",
            "到达后：开窗，不碰任何开关，把所有人带出来。",
        ),
        "carbon_monoxide": (
            "一氧化碳闻不到。给对方打电话：立刻到屋外。然后拨打 {fire}。",
            "头痛、头晕、嗜睡或无人接听：同时拨打 {medical}。",
            "消防员进入之前，不要进屋查看。",
        ),
        "stove": (
            "给对方打电话：关掉炉灶。有烟或着火：拨打 {fire}。",
            "无人接听：请有钥匙的人马上去看。",
            "油锅起火绝不能浇水：盖上锅盖，关掉炉灶。",
        ),
        "water": (
            "给对方打电话：关总水阀。不要踩进插座或电灯附近的水里。",
            "无人接听：请有钥匙的人去看，人可能跌倒了。",
        ),
        "intrusion": (
            "拨打 {police}。不要独自进屋。",
            "只有在铃声不会暴露对方时才打电话。",
        ),
        "search": (
            "给对方打电话，并查看最后的位置。",
            "去对方常去的地方，问问邻居。留一个人在家，以防对方自己回来。",
            "一刻钟内没找到，或天冷、天黑、车多：拨打 {police}。",
        ),
        "vital_sign": (
            "胸痛、呼吸困难、神志不清、口角歪斜、手臂无力或晕倒：拨打 {medical}。",
            "打电话问感觉如何。请对方坐下休息，五分钟后再测一次。",
            "如果仍然这样：今天就问医生。",
        ),
        "medication": (
            "问是否已经服药，只是没有记录。",
            "绝不要加倍补服。不确定：问药师或医生。",
        ),
        "cold": (
            "给对方打电话。不再发抖、神志不清或非常困倦：拨打 {medical}。",
            "热饮、毯子、帽子。查明暖气为什么停了。",
        ),
        "heat": (
            "给对方打电话。神志不清、晕倒或皮肤又热又干：拨打 {medical} 并帮助降温。",
            "到阴凉处，小口喝水，用湿布敷颈部和手臂。",
        ),
        "quiet": (
            "给对方打电话，每个号码都试。很多时候这样就没事了。",
            "无人接听：问最后谁见过，并请有钥匙的人马上去看。",
            "叫不醒、呼吸困难或受伤：拨打 {medical}。",
        ),
        "other": (
            "打电话问对方怎么样。",
            "无人接听：请有钥匙的人去看。",
            "有生命危险：拨打 {medical}。",
        ),
    },
}
_UNKNOWN: Final = {"en": "the emergency number", "zh-CN": "急救电话"}
SERVICES: Final = ("medical", "fire", "police")
_FIRST: Final[Mapping[str, str]] = {
    "smoke": "fire",
    "gas": "fire",
    "carbon_monoxide": "fire",
    "stove": "fire",
    "intrusion": "police",
    "search": "police",
}


def group_of(kind: str) -> str:
    """Return which advice a kind of alarm gets; one that has none of its own gets what always holds."""
    return _GROUPS.get(kind, _OTHER)


def emergency_number(numbers: Mapping[str, str], service: str) -> str | None:
    """Return the community's number for a service: its own, else the one for anything; ``None`` if it has neither."""
    return numbers.get(service) or numbers.get("any")


def advice(language: str, kind: str, numbers: Mapping[str, str]) -> list[str]:
    """Return what to do first at a kind of alarm, in one of our languages."""
    known = {service: emergency_number(numbers, service) or _UNKNOWN[language] for service in SERVICES}
    return [line.format(**known) for line in ADVICE[language][group_of(kind)]]


def numbers_to_call(kind: str, numbers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the services with their numbers, the one this kind of alarm needs first; a number stands there once."""
    first = _FIRST.get(group_of(kind), SERVICES[0])
    found: dict[str, str] = {}
    for service in (first, *SERVICES):
        number = emergency_number(numbers, service)
        if number is not None and number not in found:
            found[number] = service if numbers.get(service) else "any"
    return [(service, number) for number, service in found.items()]
