"""What a run of the benchmarks looks like on paper: a page of Markdown, and a plot as SVG."""

from __future__ import annotations

import json
import math
from html import escape
from pathlib import Path
from typing import Any

PEERS = ("tensorflow", "torch", "jax", "autograd")
COLOURS = {"yardstick": "#888888", "tensorflow": "#e8710a", "torch": "#a142f4", "jax": "#1e8e3e", "autograd": "#1a73e8"}


def ratio_text(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def time_text(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def verdict(value: float, goal: float) -> str:
    return f"{goal:.3g} {'met' if value <= goal else 'missed'}"


def against_goal(value: float, goal: float | None) -> str:
    return ratio_text(value) if goal is None else f"{ratio_text(value)} ({verdict(value, goal)})"


def page(document: dict[str, Any], folder: Path) -> None:
    """Writes ``figures.json``, ``figures.md`` and ``figures.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (folder / "figures.md").write_text(markdown(document), encoding="utf-8")
    (folder / "figures.svg").write_text(plot(document["figures"]), encoding="utf-8")


def markdown(document: dict[str, Any]) -> str:
    """The page: the machine, the plot, the table."""
    about = ", ".join(f"{key} {value}" for key, value in document["machine"].items() if value)
    lines = [line for line in document["figures"] if "error" not in line]
    peers = [peer for peer in PEERS if any(f"to_{peer}" in line for line in lines)]
    head = ["row", "what", "yardstick", "", "minitf", "ratio (goal)"]
    head += [text for peer in peers for text in (peer, f"/ {peer} (goal)")]
    out = [
        "# Figures", "",
        "Medians of one run of `scripts/bench --peers`, and medians of the ratios round by round: below 1 minitf is faster. "
        "Machines differ more in times than in ratios. `scripts/bench --peers --page docs/reference` writes this page.", "",
        about + f"; {document['rounds']} rounds.", "",
        "![minitf's time as a share of the others'](figures.svg)", "",
        "| " + " | ".join(head) + " |", "| " + " | ".join(["---"] * len(head)) + " |",
    ]  # fmt: skip
    for line in lines:
        cells = [line["row"], line["candidate"], line["yardstick"], time_text(line["yardstick_seconds"])]
        cells += [time_text(line["seconds"]), against_goal(line["to_yardstick"], line.get("goal"))]
        for peer in peers:
            known = f"to_{peer}" in line
            cells.append(time_text(line[f"{peer}_seconds"]) if known else "")
            cells.append(against_goal(line[f"to_{peer}"], line.get(f"goal_to_{peer}")) if known else "")
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


def plot(figures: list[dict[str, Any]]) -> str:
    """One line a candidate: where minitf's time lies beside the yardstick's and each peer's, on a logarithmic axis."""
    lines = [line for line in figures if "error" not in line]
    left, width, step, top = 330, 620, 17, 46
    low, high = math.log10(1 / 3000), math.log10(30)

    def across(value: float) -> float:
        return left + (min(max(math.log10(value), low), high) - low) / (high - low) * width

    height = top + step * len(lines) + 14
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 20} {height}" font-family="sans-serif" '
        'font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{left + 165}" y="14" text-anchor="end">time of minitf, as a share of the time of</text>',
    ]
    for i, (name, colour) in enumerate(COLOURS.items()):
        x = left + 190 + i * 90
        parts.append(f'<circle cx="{x}" cy="10" r="4" fill="{colour}"/><text x="{x + 8}" y="14">{name}</text>')
    for power in range(-3, 2):
        x, label = across(10.0**power), f"1/{10**-power}" if power < 0 else str(10**power)
        stroke = "#ddd" if power else "#333"
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top - 8}" y2="{height - 10}" stroke="{stroke}"/>')
        parts.append(f'<text x="{x:.1f}" y="{top - 13}" text-anchor="middle">{label}</text>')
    for i, line in enumerate(lines):
        y = top + step * i + 6
        label = escape(f"{line['row']}: {line['candidate']}")
        parts.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{label}</text>')
        for name, colour in COLOURS.items():
            if (value := line.get(f"to_{name}")) is not None:
                parts.append(f'<circle cx="{across(value):.1f}" cy="{y}" r="4" fill="{colour}"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"
