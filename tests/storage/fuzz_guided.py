"""Runs the targets of ``fuzz_targets`` under atheris, which looks for inputs that reach new branches.

    scripts/fuzz decoders --runs 100000 --seed 1             # so many executions of every decoder
    scripts/fuzz decoders --only block --runs 1000000 --log  # of one; and a line in the log of all runs
    scripts/fuzz decoders --only block --file crash-...      # one input again
    scripts/fuzz totals                                      # the log, added up

A target has a process of its own, with bounded memory and time for each input. What it found worth keeping (its corpus) is
kept under ``.fuzz`` in the project's folder, so that the next run goes on from there.
"""

from __future__ import annotations

import argparse
import logging
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import fuzz_log

ROOT = Path(__file__).parents[2]
MEMORY = 1024  # MiB of a process
SECONDS = 10  # for one input

# Executions that a target gets for each that an average one gets: where one costs less, more.
WEIGHTS = {
    "varint": 8, "block": 6, "snappy": 12, "footer": 5, "header": 7, "entry": 3, "v1_values": 2, "v1_list": 5, "variants": 1.5,
    "strings": 1, "table": 2, "table_file": 3, "index": 0.3, "graph": 0.6, "state_file": 0.2, "safetensors": 0.6, "npz": 0.1,
    "any_file": 0.6,
}  # fmt: skip


def child(name: str, options: list[str]) -> None:
    """Runs libFuzzer on one target; does not return."""
    import atheris

    with atheris.instrument_imports(include=["minitf.storage"]):
        import fuzz_targets
    logging.getLogger("minitf").setLevel(logging.CRITICAL)
    read, typed = fuzz_targets.TARGETS[name].read, fuzz_targets.OpError

    def one(data: bytes) -> None:
        try:
            read(data)
        except typed:
            pass

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


def guided(name: str, runs: int, seed: int, seconds: int) -> fuzz_log.Run:
    """One process of libFuzzer: what it did, and the input that broke a law, if any."""
    import fuzz_targets

    corpus = ROOT / ".fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        for number, data in enumerate(fuzz_targets.TARGETS[name].seeds()):
            Path(place, str(number)).write_bytes(data)
        options = [
            f"-runs={runs}", f"-seed={seed}", f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY}", f"-timeout={SECONDS}",
            f"-max_len={fuzz_targets.TARGETS[name].longest}", f"-artifact_prefix={corpus.parent}/{name}-",
            "-print_final_stats=1", str(corpus), place,
        ]  # fmt: skip
        # Started by a shell: a process counts the memory of the one that it comes from as its own peak, and tests may be large.
        command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, __file__, "child", name, *options]
        done = subprocess.run(command, capture_output=True, text=True)
    stats = {key: int(value) for key, value in re.findall(r"stat::(\w+):\s+(\d+)", done.stderr)}
    took = time.monotonic() - start
    bad = "" if done.returncode == 0 else done.stderr[-3000:]
    return fuzz_log.Run(
        "atheris", name, str(seed), stats.get("number_of_executed_units", 0), took, stats.get("peak_rss_mb", 0), bool(bad), bad
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Coverage-guided fuzzing of the decoders.")
    parser.add_argument("--runs", type=int, default=100_000, help="executions of an average decoder; quick ones get more")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=0, help="at most so long for each decoder")
    parser.add_argument("--only", choices=list(WEIGHTS), action="append", help="one decoder (may be given several times)")
    parser.add_argument("--file", type=Path, help="read this input once instead")
    parser.add_argument(
        "--log", type=Path, nargs="?", const=fuzz_log.LOG, help="add the figures to the log of all runs, or to another"
    )
    args = parser.parse_args(sys.argv[1:])
    if args.file is not None:
        import fuzz_targets

        print(fuzz_targets.run(args.only[0], args.file.read_bytes()))
        return 0
    bad = 0
    for name in args.only or WEIGHTS:
        done = guided(name, int(args.runs * WEIGHTS[name]), args.seed, args.seconds)
        print(f"{name:12} {done.executions:10,} executions, {done.seconds:6.0f} s, at most {done.megabytes} MiB", flush=True)
        if args.log is not None:
            fuzz_log.add(done, args.log)
        if done.broken:
            bad += 1
            print(done.report, flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2], sys.argv[3:])
    sys.exit(main())
