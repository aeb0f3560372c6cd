"""An explanation as HTML that folds without scripts: a fragment for notebooks, and a page of its own.

All rules of the style sheet begin with the class of the fragment, so nothing around it changes; states are told by a sign and a
word, never by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from minitf.explain.why.rows import Row, State

if TYPE_CHECKING:
    from minitf.explain.why.explanation import Explanation

IN_FRAGMENT, IN_DOCUMENT = 50, 2000  # at most so many rows of a group
SIGNS = {
    State.RESTORED: "✓", State.NOT_RUN: "⏸", State.WAITING: "…", State.WAITING_OPTIMIZER: "…", State.WAITING_VARIABLE: "…",
    State.WAITING_SLOT: "…", State.UNUSED: "∅", State.MISSING: "?", State.SUPERSEDED: "⇥", State.TWICE: "⑂",
    State.REPLACED: "⇄", State.DIFFERS: "≠", State.INITIALISED: "↺",
    State.FOREIGN: "⊘", State.LEFT_ALONE: "–",
}  # fmt: skip
_DARK = "--ground:#1b1d21;--ink:#e6e6e6;--faint:#a2a7ae;--line:#3d424a;--good:#6cc3a0;--wait:#e5b95c;--bad:#f0907a"
STYLE = f"""
.minitf-why{{--ground:#fff;--ink:#1d2126;--faint:#5b626b;--line:#d5d9de;--good:#00694a;--wait:#7a5200;--bad:#a83210;
background:var(--ground);color:var(--ink);font:14px/1.5 system-ui,sans-serif;padding:.8em 1em;
border:1px solid var(--line);border-radius:6px;max-width:78em;box-sizing:border-box;text-align:left}}
@media (prefers-color-scheme:dark){{.minitf-why{{{_DARK}}}}}
[data-jp-theme-light="true"] .minitf-why{{--ground:#fff;--ink:#1d2126;--faint:#5b626b;--line:#d5d9de;--good:#00694a;
--wait:#7a5200;--bad:#a83210}}
[data-jp-theme-light="false"] .minitf-why,.vscode-dark .minitf-why{{{_DARK}}}
.minitf-why p{{margin:.2em 0}}
.minitf-why .balance{{font-weight:600;overflow-wrap:anywhere}}
.minitf-why .about{{color:var(--faint)}}
.minitf-why details{{border-top:1px solid var(--line);padding:.35em 0}}
.minitf-why summary{{cursor:pointer;overflow-wrap:anywhere;padding:.1em 0}}
.minitf-why summary:focus-visible{{outline:2px solid var(--good);outline-offset:2px}}
.minitf-why .todo{{margin:.2em 0 .5em 1.2em;overflow-wrap:anywhere}}
.minitf-why .todo::before{{content:"→ ";color:var(--faint)}}
.minitf-why .count{{color:var(--faint);font-variant-numeric:tabular-nums}}
.minitf-why .scroll{{overflow-x:auto;margin-left:1.2em}}
.minitf-why table{{border-collapse:collapse;font-size:13px;background:none;color:inherit;width:100%}}
.minitf-why th,.minitf-why td{{text-align:left;vertical-align:top;padding:.2em .7em .2em 0;border:0;
border-bottom:1px solid var(--line);background:none;color:inherit;overflow-wrap:anywhere;min-width:8em}}
.minitf-why th{{font-weight:600;color:var(--faint)}}
.minitf-why code{{font:12.5px ui-monospace,monospace;background:none;color:inherit;padding:0}}
.minitf-why .good{{color:var(--good)}}
.minitf-why .wait{{color:var(--wait)}}
.minitf-why .bad{{color:var(--bad)}}
@media (max-width:44em){{.minitf-why thead{{display:none}}.minitf-why tr,.minitf-why td{{display:block}}
.minitf-why tr{{border-bottom:1px solid var(--line);padding:.3em 0}}.minitf-why td{{border:0;padding:0}}}}
"""


def fragment(explanation: Explanation, at_most: int = IN_FRAGMENT) -> str:
    """The explanation as one ``div`` with its style sheet."""
    balance, _, about = explanation.headline.rpartition(" (")
    parts = [
        f'<div class="minitf-why"><style>{STYLE}</style>',
        f'<p class="balance">{escape(balance)}</p><p class="about">{escape(about.rstrip(")"))}</p>',
    ]
    for number, cause in enumerate(explanation.causes):
        rows = [row for row in explanation.rows if row.cause is cause]
        count = f' <span class="count">({cause.values} value{"s" * (cause.values != 1)})</span>' if rows else ""
        parts.append(
            f"<details{' open' * (number == 0)}><summary>{escape(cause.text)}{count}</summary>"
            f'<p class="todo">{escape(cause.advice)}</p>{_table(rows, at_most)}</details>'
        )
    for state in State:
        rows = [row for row in explanation.rows if row.state is state and row.cause is None]
        if rows:
            parts.append(
                f"<details><summary>{_state(state)} "
                f'<span class="count">({len(rows)})</span></summary>{_table(rows, at_most)}</details>'
            )
    parts.append("</div>")
    return "".join(parts)


def document(explanation: Explanation) -> str:
    """A page of its own: needs nothing else, and runs nothing."""
    title = escape(f"{explanation.source}: what was restored, and why")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>{title}</title></head><body>{fragment(explanation, IN_DOCUMENT)}</body></html>\n"
    )


def _table(rows: list[Row], at_most: int) -> str:
    if not rows:
        return ""
    shown = rows[:at_most]
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in _cells(row))}</tr>" for row in shown)
    head = "<tr><th>State</th><th>In the checkpoint</th><th>In the program</th><th>Where it stopped, or comes from</th></tr>"
    more = f'<p class="count">and {len(rows) - len(shown)} more</p>' if len(rows) > len(shown) else ""
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table>{more}</div>'


def _cells(row: Row) -> Iterable[str]:
    yield _state(row.state)
    yield f"<code>{escape(row.saved)}</code>" if row.saved else ""
    yield f"<code>{escape(row.live)}</code>" if row.live else ""
    told = []
    if row.stop is not None:
        side = "checkpoint" if row.saved is None else "program"
        edge = f"no edge <code>{escape(row.stop.edge)}</code> in the {side}"
        told.append(f"stopped at <code>{escape(row.stop.at)}</code>: {edge}")
    if row.provenance is not None:
        told.append(escape(str(row.provenance)))
    yield "<br>".join(told)


def _state(state: State) -> str:
    tone = "good" if state in (State.RESTORED, State.LEFT_ALONE) else "wait" if SIGNS[state] in "…⏸" else "bad"
    return f'<span class="{tone}">{SIGNS[state]} {escape(str(state))}</span>'
