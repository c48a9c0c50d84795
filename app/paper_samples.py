"""Values to try a paper's template with: everything that its row names, filled with samples and left empty."""

from typing import Any

from app.paper_list import TIMERS, Paper, only

HEAD = {"title": "文书", "office": "某某县某某镇人民政府", "docnumber": "", "year": "2026", "day": "2026年11月23日"}
CHECK = {"code": "F8GH-0000-2402-4C9G-JX1X-ZR65", "text": "FP1"}
WORDS = {"monitored": "监测对象", "monitoring": "监测帮扶"}
LISTS = ("members", "recipients", "groups", "photos", "contents", "conditions", "support")
MEMBER = {"name": "张三", "relation": "户主", "sex": "男", "born": "1980-01-01", "id": "5002**********0011"}
SIGNED: dict[str, Any] = {
    "action": "act", "label": "办理", "name": "李四", "role": "村干部", "office": "某某村", "day": "2026年11月20日",
    "said": "情况属实。", "evidence": ["照片"],
}  # fmt: skip
NESTED: dict[str, Any] = {
    "members": [MEMBER],
    "recipients": ["某某镇人民政府"],
    "photos": [{"picture": "0" * 64, "label": "照片", "day": "2026年11月20日"}],
    "contents": [{"title": "申请书", "first": "1", "pages": "1"}],
    "conditions": [
        {"label": "收入稳定", "clause": "S4 17", "met": "是", "basis": "人均纯收入：9,000元"},
        {"label": "住房安全", "clause": "", "met": "", "basis": ""},
    ],
    "support": ["走访6次"],
    "limits": dict.fromkeys(TIMERS, "15天"),
}


NO_CHECK = {"code": "", "text": ""}


def samples_of(paper: Paper) -> list[dict[str, Any]]:
    """Return the values of a filled paper and, where it has one, of a blank one."""
    return [_filled(paper), _empty(paper)] if paper.blank else [_filled(paper)]


def _filled(paper: Paper) -> dict[str, Any]:
    groups = [
        {"purpose": purpose, "rows": [dict.fromkeys(paper.columns, "样张")]} for purpose in ("include", "eliminate")
    ]
    shown = {name: NESTED.get(name, groups if name == "groups" else "样张") for name in paper.shows}
    field = {name: {"label": name, "value": "样张"} for name in paper.fields}
    value = dict.fromkeys(paper.fields, "样张")
    acts = {name: [{**SIGNED, "value": value}] for name in paper.acts}
    return _given(paper, {**shown, "field": field, "acts": acts, "blank": False, "check": CHECK})


def _empty(paper: Paper) -> dict[str, Any]:
    standing = {"limits": NESTED["limits"]}
    shown: dict[str, Any] = {name: standing.get(name, [] if name in LISTS else "") for name in paper.shows}
    field = {name: {"label": name, "value": ""} for name in paper.fields}
    acts: dict[str, list[Any]] = {name: [] for name in paper.acts}
    return _given(paper, {**shown, "field": field, "acts": acts, "blank": True, "check": NO_CHECK})


def _given(paper: Paper, values: dict[str, Any]) -> dict[str, Any]:
    return only(paper, {**HEAD, "kind": paper.kind, "words": WORDS, **values})
