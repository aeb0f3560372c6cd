"""``python -m minitf.cli.demo.second_half CHECKPOINT TARGET STEPS``: the fresh interpreter of the demonstration."""

from __future__ import annotations

import sys

from minitf.cli.demo.steps import train_on

if __name__ == "__main__":
    train_on(sys.argv[1], sys.argv[2], int(sys.argv[3]))
