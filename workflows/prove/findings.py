"""What the checker found: a stable code, where, and a counter-example as a path that people can read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from workflows.definition import Label
from workflows.prove.model import Model
from workflows.prove.parts import Hop
from workflows.terms import load_terms

ARROW = " —{0}→ "


@dataclass(frozen=True)
class Finding:
    """One thing that is not sound. ``key`` is the row to look for in the file, such as ("limit", "assist.plan").

    ``params`` fill the sentence ``finding.<code>`` of the terms; a label among them is told in the reader's language.
    ``path`` is the counter-example, one pair of texts (zh, en).
    """

    code: str
    definition: str = ""
    pack: str = ""
    key: tuple[str, str] = ("", "")
    params: Mapping[str, str | Label] = field(default_factory=dict)
    path: Label = field(default_factory=dict)

    def sentence(self, lang: str) -> str:
        """Return what is wrong and what to do, in a language."""
        told = {name: value if isinstance(value, str) else value[lang] for name, value in self.params.items()}
        return load_terms().text(f"finding.{self.code}", lang).format_map(told)

    def example(self, lang: str) -> str:
        """Return the counter-example in a language, or an empty text."""
        return self.path.get(lang, "")

    def under(self, pack: str) -> "Finding":
        """Return the same finding for another pack of the same shape."""
        return replace(self, pack=pack)


def both(zh: str, en: str) -> Label:
    """Return a text in both languages."""
    return {"zh": zh, "en": en}


def timer_label(model: Model, name: str) -> Label:
    """Return the label of ``definition.timer``."""
    definition, timer = name.split(".")
    compiled = next(c for (d, _), c in model.compiled.items() if d == definition)
    return compiled.definition.timers[timer].label


def written(model: Model, path: tuple[Hop, ...], *, definition: str = "") -> Label:
    """Return a path as people read it: state —act（who）→ state …; with a definition only where its case moves."""
    return {lang: _written(model, path, lang, definition) for lang in ("zh", "en")}


def _written(model: Model, path: tuple[Hop, ...], lang: str, definition: str) -> str:
    parts: list[str] = []
    for hop in path:
        shown = [f for f in hop.chain if f.definition == definition] or list(hop.chain[:1])
        if definition and hop.chain[0].definition != definition and shown[0].definition != definition:
            continue
        for fired in shown[:1]:
            if not parts:
                parts.append(_state(model, fired.definition, fired.purpose, fired.source, lang))
            arrow = ARROW.format(_act(model, hop, lang))
            parts.append(arrow + _state(model, fired.definition, fired.purpose, fired.target, lang))
    return "".join(parts)


def _state(model: Model, definition: str, purpose: str, state: str, lang: str) -> str:
    if state == "@new":
        return {"zh": "（新）", "en": "(new)"}[lang]
    return str(model.compiled[definition, purpose].state_label(state)[lang])


def _act(model: Model, hop: Hop, lang: str) -> str:
    if hop.wait:
        what = "" if hop.wait == "@age" else timer_label(model, hop.wait)[lang]
        return {
            "zh": f"（{what}届满）" if what else "（时间过去）",
            "en": f"({what} ends)" if what else "(time passes)",
        }[lang]
    fired = hop.chain[0]
    compiled = model.compiled[fired.definition, fired.purpose]
    form = compiled.step_of(fired.action) or compiled.definition.actions[fired.action]
    who = load_terms().text(f"role.{hop.roles[0]}", lang) if f"role.{hop.roles[0]}" in load_terms() else hop.roles[0]
    return f"{form.label[lang]}（{who}）" if lang == "zh" else f"{form.label[lang]} ({who})"
