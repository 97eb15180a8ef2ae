"""Start-up: `import xstilts` and `xstilts --help`, against an empty interpreter and against
importing torch.

Prints medians in milliseconds and their ratios, all from one run: `python
tests/benchmarks/startup.py`. Wanted: `--help` in under 500 ms on an idle machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.own_environment import use_own_environment

REPEATS = 7
CASES = {
    "python -c pass": ("-c", "pass"),
    "import xstilts": ("-c", "import xstilts"),
    "xstilts --help": ("-m", "xstilts", "--help"),
    "xstilts check --schema": ("-m", "xstilts", "check", "--schema"),
    "import torch": ("-c", "import torch"),
}


def milliseconds(arguments: tuple[str, ...]) -> float:
    """Wall time of one fresh interpreter."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Interleaves the cases, so that a busy moment hits all of them."""
    use_own_environment()
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(REPEATS):
        for name, arguments in CASES.items():
            times[name].append(milliseconds(arguments))
    medians = {name: statistics.median(values) for name, values in times.items()}
    empty = medians["python -c pass"]
    for name, value in medians.items():
        print(f"{name:<24}{value:8.0f} ms   {value / empty:6.1f} x an empty interpreter")
    print(f"--help under 500 ms: {'yes' if medians['xstilts --help'] < 500 else 'NO'}")


if __name__ == "__main__":
    main()
