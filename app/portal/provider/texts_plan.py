"""What is said of the plan of a day: English, Chinese."""

from collections.abc import Mapping
from typing import Final

SAID: Final[Mapping[str, tuple[str, str]]] = {
    "plan_open": ("{count} with nobody", "{count} 单无人"),
    "plan_none_open": ("Everything has somebody", "均已派人"),
    "plan_conflicts": ("{count} cannot be kept as planned", "{count} 处冲突"),
    "plan_there": ("{count} are there", "{count} 人当班"),
    "plan_off": ("{count} are off", "{count} 人休息"),
    "proposal": ("What the planner proposes", "计划建议"),
    "proposal_done": ("This plan is carried out", "计划已执行"),
    "proposal_about": (
        "Nothing is changed yet. Carried out is all of it or nothing: if something changed meanwhile, you are told.",
        "目前尚未更改任何安排。执行时要么全部生效，要么全部不变；如期间有变化会提示您。",
    ),
    "proposal_yes": ("Carry it out", "执行计划"),
    "proposal_no": ("Leave it as it is", "保持不变"),
    "proposal_nothing_unassigned": ("There is nothing to plan: everything has somebody.", "无需安排：均已派人。"),
    "proposal_nothing_held_up": ("Nobody is held up so that somebody would wait.", "没有因耽搁而影响后续的安排。"),
    "nobody_found": ("Nobody can go to", "无人可派"),
    "what": ("What", "内容"),
    "time": ("Time", "时间"),
    "time_before": ("Before", "原时间"),
    "time_after": ("Now", "新时间"),
    "who_goes": ("Who goes", "上门人员"),
    "drag_hint": (
        "An order can also be dragged onto somebody's row, and along it as far as was agreed.",
        "也可将订单拖到某人的行，并在约定范围内左右移动。",
    ),
    "drag_over": ("{name}, {time}", "{name}，{time}"),
    "drag_nowhere": ("Over nobody's row", "不在任何人的行上"),
    "drag_sending": ("Is being sent: {name}, {time}", "正在派单：{name}，{time}"),
    "drag_sent": ("{name} goes at {time}: {order}", "{name} 于 {time} 上门：{order}"),
    "drag_back": ("{order} stays where it was. {why}", "{order} 保持不变。{why}"),
    "drag_lost": ("There was no answer: look at the plan before you try again.", "没有收到答复：请先查看计划再重试。"),
    "drag_look": ("See who could go", "查看可派人员"),
    "in_place_of": ("for {name}", "替换 {name}"),
    "kind_visit": ("Care visit", "护理员上门"),
    "kind_order": ("Order of another day", "其他日期的订单"),
    "ask_planner": ("Propose who goes", "建议派单"),
    "ask_planner_anew": ("Somebody is held up: plan anew", "有人耽搁：重新计划"),
    "open_title": ("Nobody goes there yet", "尚未派人"),
    "on_map": ("number {number} on the map", "地图上第 {number} 号"),
    "who_can": ("Who can, and why others cannot", "谁可以去、谁不行及原因"),
    "axis_title": ("Who does what when", "人员时间表"),
    "axis_about": (
        "A row for each person, hours from left to right. The table below has the same.",
        "每人一行，从左到右为时间。下方表格内容相同。",
    ),
    "axis_nobody": ("Nobody is there on this day.", "当天无人当班。"),
    "legend_order": ("Order", "订单"),
    "legend_new": ("Proposed", "建议"),
    "legend_other": ("Something else, such as a care visit", "其他安排，如护理员上门"),
    "legend_conflict": ("Cannot be in time", "无法按时到达"),
    "legend_way": ("On the way", "路程"),
    "way": ("Way there", "路程"),
    "no_way": ("at the same place", "同一地点"),
    "gap": ("Free before it", "此前空闲"),
    "something_else": ("Something else", "其他安排"),
    "is_free": ("Nothing yet", "暂无安排"),
    "problem_late": ("Cannot be in time", "无法按时到达"),
    "problem_outside_hours": ("Outside of their hours", "非当班时间"),
    "off_are": ("Off: {names}", "休息：{names}"),
    "map_title": ("Where", "位置示意"),
    "map_about": (
        (
            "A sketch: north is up, and only how far apart things are is true to scale. Squares are where "
            "people set out, "
            "triangles have nobody."
        ),
        "示意图：上方为北，仅相对距离按比例。方块为出发地，三角为尚未派人的订单。",
    ),
    "map_number": ("No.", "编号"),
    "done_proposed": (
        "This is what the planner would do. Nothing is changed yet.",
        "以下为计划建议，尚未更改任何安排。",
    ),
    "done_carried_out": (
        "The plan is carried out, and everybody concerned is told.",
        "计划已执行，相关人员已收到通知。",
    ),
    "trouble_day_plan_stale": (
        "Something has changed since it was planned, so nothing was done. Ask the planner again.",
        "计划之后情况有变，未执行任何更改。请重新计划。",
    ),
    "trouble_day_plan_not_open": ("This plan was carried out already.", "此计划已执行。"),
    "trouble_carer_absent": (
        "Somebody in the plan cannot come that day. Ask the planner again.",
        "计划中有人当天不能到岗，请重新计划。",
    ),
}
