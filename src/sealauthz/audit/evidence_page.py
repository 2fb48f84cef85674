"""The page of an evidence bundle for people, in Chinese and English: ids and codes, and no name of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from sealauthz.audit.note import Checkpoint
from sealauthz_client.answers import moment

_OUTCOMES = {
    "SAME": ("重新判定的结果与记录一致。", "Deciding again gives the recorded answer."),
    "DIFFERENT": ("重新判定的结果与记录不一致！", "Deciding again gives another answer!"),
    "NOT_CHECKABLE": ("无法重新判定：", "It cannot be decided again: "),
}
_STANDINGS = {"MET": ("满足", "met"), "WAIVED": ("免除", "waived"), "UNMET": ("未满足", "unmet")}
_LABELS = {
    "id": ("记录编号", "record"),
    "kind": ("接口", "kind"),
    "at": ("判定时间 (UTC)", "decided at (UTC)"),
    "caller": ("调用方", "caller"),
    "subject": ("行为人", "subject"),
    "action": ("行为", "action"),
    "resource": ("对象", "resource"),
    "effect": ("结果", "effect"),
    "reasons": ("理由", "reasons"),
    "obligations": ("义务", "obligations"),
    "policy": ("规则版本", "policies"),
    "revision": ("事实版本", "revision of the facts"),
    "tenants": ("相关企业", "enterprises"),
}


def page(content: Mapping[str, Any], decision: Mapping[str, Any], checkpoint: Checkpoint, files: Sequence[str]) -> str:
    """Return the page: what was decided, by which rules, and what proves it."""
    rows = [
        f"<tr><th>{zh}<br>{en}</th><td>{_shown(name, content[name])}</td></tr>"
        for name, (zh, en) in _LABELS.items()
        if content.get(name) not in (None, [], "")
    ]
    zh, en = _OUTCOMES[decision["outcome"]]
    why = escape(f"{decision.get('cause', '')} {decision.get('said', '')}".strip())
    rules = [
        f"<tr><td>{escape(each['requirement'])}</td>"
        f"<td>{' / '.join(_STANDINGS[each['standing']])}</td><td>{_rules(each)}</td></tr>"
        for each in decision.get("requirements", ())
    ]
    names = "".join(f"<li><code>{escape(name)}</code></li>" for name in files)
    table = "<tr><th>要求 / requirement</th><th></th><th>规则 / rules</th></tr>"
    log = f"<code>{escape(checkpoint.origin)}</code>, {checkpoint.size}"
    return (
        '<!DOCTYPE html>\n<html lang="zh"><head><meta charset="utf-8"><title>证据 / Evidence</title>\n'
        "<style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "table{border-collapse:collapse}"
        "td,th{border:1px solid #999;padding:.3em .6em;text-align:left;vertical-align:top}</style></head><body>\n"
        "<h1>判定证据 / Evidence of a decision</h1>\n<table>\n" + "\n".join(rows) + "\n</table>\n"
        f"<h2>重新判定 / Decided again</h2>\n<p>{zh} {en}{why}</p>\n"
        + (f"<table>\n{table}\n" + "\n".join(rules) + "\n</table>\n" if rules else "")
        + f"<h2>证明 / Proof</h2>\n<p>该记录是日志 {log} 条记录中的一条；检查点由日志的密钥签名。<br>"
        f"The record is one of those in the log {log} records; the checkpoint is signed with the key of the log.</p>\n"
        f"<ul>{names}</ul>\n"
        "<p>验证方法见 docs/evidence.md；本页内容以 record.json 为准。<br>"
        "How to verify it is in docs/evidence.md; where this page and record.json differ, record.json counts.</p>\n"
        "</body></html>\n"
    )


def _shown(name: str, value: Any) -> str:
    if name == "at":
        return escape(moment(value).isoformat())
    if name == "reasons":
        return escape(", ".join(reason[0] for reason in value))
    return escape(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _rules(outcome: Mapping[str, Any]) -> str:
    rules = (
        f"<code>{escape(rule['file'])}:{rule['line']}</code> {escape(' '.join(rule['rules']))}<br><small>"
        f"{escape(rule['head'])}</small>"
        for rule in outcome["rules"]
    )
    return "<br>".join(rules)
