"""Measures minitf, row by row, beside a yardstick and, with --peers, beside TensorFlow, torch, jax and autograd in
processes of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import embedding  # noqa: F401  (they enter their rows)
import exploring  # noqa: F401
import files  # noqa: F401
import rows  # noqa: F401
import running  # noqa: F401
from figures import against_goal, page, ratio_text, time_text, verdict
from scale import main as scale
from table import GOALS, PEER_GOALS, ROWS
from timing import ratio

HERE = Path(__file__).resolve().parent
SETTLE = 0.2
"""Seconds before another process measures: threads of the one before go on for a while, waiting busily for more work."""
PEERS = {  # the script that makes the environment, and the variable that names another interpreter
    "tensorflow": ("oracle", "MINITF_ORACLE_PYTHON"),
    **dict.fromkeys(("torch", "jax", "autograd"), ("peers", "MINITF_PEERS_PYTHON")),
}


class Worker:
    """A process that measures one framework."""

    def __init__(self, python: str, module: str, seconds: float):
        self.module = module
        command = [python, str(HERE / "worker.py"), module, str(seconds)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.version = self._answer()["version"]

    def round(self, row: str) -> dict[str, Any]:
        """Seconds a call of each candidate of a row."""
        assert self.process.stdin is not None
        self.process.stdin.write(row + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the process that measures {self.module} ended with code {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Lets the process tidy up and waits for its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)


def measure(workers: list[Worker], row: str, rounds: int) -> dict[str, Any]:
    """One row: {module: {candidate: [seconds a call, one for each round]}}; for a row that failed {module: {"error": text}}."""
    series: dict[str, Any] = {}
    for turn in range(rounds):
        for worker in workers if turn % 2 == 0 else workers[::-1]:
            mine = series.setdefault(worker.module, {})
            if "error" in mine:
                continue
            if len(workers) > 1:
                time.sleep(SETTLE)
            answer = worker.round(row)
            if "error" in answer:
                series[worker.module] = answer
            else:
                for name, seconds in answer.items():
                    mine.setdefault(name, []).append(seconds)
    return series


def figures(row: str, series: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of the table: medians, and the medians of the ratios round by round."""
    ours = series["minitf"]
    if "error" in ours:
        return [{"row": row, "error": ours["error"]}]
    yardstick, *names = ours
    lines = []
    for name in names:
        line: dict[str, Any] = {"row": row, "candidate": name, "seconds": statistics.median(ours[name]), "yardstick": yardstick}
        line |= {"yardstick_seconds": statistics.median(ours[yardstick]), "to_yardstick": ratio(ours[name], ours[yardstick])}
        if (goal := GOALS.get((row, name))) is not None:
            line["goal"] = goal
        for peer in PEERS:
            theirs = series.get(peer, {})
            if name in theirs:
                line |= {f"{peer}_seconds": statistics.median(theirs[name]), f"to_{peer}": ratio(ours[name], theirs[name])}
                if (goal := PEER_GOALS.get((row, name, peer))) is not None:
                    line[f"goal_to_{peer}"] = goal
            elif "error" in theirs:
                line[f"{peer}_error"] = theirs["error"]
        lines.append(line)
    return lines


def show(lines: list[dict[str, Any]], peers: list[str], console: Console) -> None:
    """Prints the table."""
    table = Table(title="medians; ratios are medians of the ratios round by round (below 1: minitf is faster)")
    for head in ("row", "what"):
        table.add_column(head)
    table.add_column("yardstick", justify="right")
    for head in ("", "minitf", "ratio", "goal", *(head for peer in peers for head in (peer, f"/ {peer}"))):
        table.add_column(head, justify="right")
    before = None
    for line in lines:
        if "error" in line:
            table.add_row(line["row"], "failed", style="red")
            continue
        goal, new = line.get("goal"), line["row"] != before
        if new and before is not None:
            table.add_section()
        before = line["row"]
        cells = [line["row"] if new else "", line["candidate"]]
        cells += [line["yardstick"], time_text(line["yardstick_seconds"])] if new else ["", ""]
        cells += [time_text(line["seconds"]), ratio_text(line["to_yardstick"])]
        cells.append("" if goal is None else verdict(line["to_yardstick"], goal))
        for peer in peers:
            if f"to_{peer}" in line:
                cells += [time_text(line[f"{peer}_seconds"]), against_goal(line[f"to_{peer}"], line.get(f"goal_to_{peer}"))]
            else:
                cells += ["failed" if f"{peer}_error" in line else "", ""]
        table.add_row(*cells)
    console.print(table)
    for line in lines:
        for key in ("error", *(f"{peer}_error" for peer in peers)):
            if key in line:
                console.print(f"{line['row']}: {line[key]}", style="red", markup=False)


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    import numpy as np

    model = ""
    if Path("/proc/cpuinfo").exists():
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
        model = found[1] if found else ""
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def main() -> int:
    """Runs the rows that were asked for."""
    if "--scale" in sys.argv[1:]:
        return scale([word for word in sys.argv[1:] if word != "--scale"])
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--scale", action="store_true", help="trees of 1,000 to 100,000 objects instead; --scale --help")
    others = "TensorFlow, torch, jax and autograd too, those that are there (scripts/oracle, scripts/peers)"
    parser.add_argument("--peers", action="store_true", help=others)
    parser.add_argument("--quick", action="store_true", help="3 short rounds instead of 9: an impression, not a measurement")
    parser.add_argument("--rounds", type=int, help="how many, instead of 9")
    parser.add_argument("--rows", default="", metavar="REGEX", help="only rows whose name matches: " + "; ".join(ROWS))
    parser.add_argument("--json", metavar="FILE", help="write the figures and every single round to a file")
    parser.add_argument("--page", metavar="FOLDER", help="write the figures, a page about them and a plot to a folder")
    args = parser.parse_args()
    rounds, seconds = (3, 0.01) if args.quick else (9, 0.05)
    rounds = args.rounds or rounds

    workers = [Worker(sys.executable, "minitf", seconds)]
    chosen = [name for name in ROWS if re.search(args.rows, name) and not (args.quick and ROWS[name].slow)]
    peers = [peer for peer in PEERS if args.peers and any(peer in ROWS[name].peers for name in chosen)]
    for peer in peers:
        script, variable = PEERS[peer]
        python = os.environ.get(variable)
        if not python:
            python = subprocess.run([str(HERE.parent / script)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        if subprocess.run([python, "-c", f"import {peer}"], capture_output=True).returncode:
            print(f"{peer} is not there ({python} cannot import it); it is left out", file=sys.stderr)
        else:
            workers.append(Worker(python, peer, seconds))
    peers = [worker.module for worker in workers[1:]]
    about = machine() | {f"{worker.module}": worker.version for worker in workers}
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(", ".join(f"{key} {value}" for key, value in about.items() if value))

    lines, everything = [], {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for name in progress.track(chosen, description="measuring"):
            asked = [worker for worker in workers if worker.module in ("minitf", *ROWS[name].peers)]
            everything[name] = measure(asked, name, rounds)
            lines += figures(name, everything[name])
    for worker in workers:
        worker.close()
    show(lines, peers, console)
    document = {"machine": about, "rounds": rounds, "figures": lines}
    if args.page:
        page(document, Path(args.page))
    if args.json:
        document["series"] = everything
        Path(args.json).write_text(json.dumps(document, indent=1), encoding="utf-8")
    return int(any("error" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
