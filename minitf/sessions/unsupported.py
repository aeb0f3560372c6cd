"""Arguments of TensorFlow's that mean something minitf has not: they are refused instead of being taken without effect."""

from __future__ import annotations

from typing import Any

_WHY = {
    "master": "sessions run in this process, there are no servers",
    "save_summaries_steps": "minitf writes no summaries",
    "save_summaries_secs": "minitf writes no summaries",
    "summary_dir": "minitf writes no summaries",
    "output_dir": "minitf writes no summaries; the figures are in the log",
    "summary_op": "minitf writes no summaries",
    "summary_writer": "minitf writes no summaries; the figures are in the log",
    "save_graph_def": "a graph is not written to files; build it again and restore its variables",
}


def refuse(what: str, **given: Any) -> None:
    """Raises NotImplementedError for each argument that was given, that is, neither None nor False nor empty nor zero."""
    for name, value in given.items():
        if value is not None and not (isinstance(value, (str, int, float)) and not value):
            raise NotImplementedError(f"{what}({name}={value!r}): {_WHY[name]}. Leave {name} out.")
