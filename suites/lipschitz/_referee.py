"""Finds references: long searches for large values, certified bounds where they meet them.

``python -m tiltyard.suites.lipschitz._referee 'digits-local*'`` settles the problems whose
canonical names match, and adds to what the file holds of them; those that it holds are kept as they
are unless ``--again`` is given.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
from pathlib import Path
from time import monotonic

import numpy as np

from tiltyard.registry import registry
from tiltyard.suites.lipschitz import reference as references
from tiltyard.suites.lipschitz._settle import Settling
from tiltyard.suites.lipschitz.problem import LipschitzProblem


def names(patterns: list[str], tiers: list[str]) -> list[str]:
    """Return the canonical names of the problems in tiers that match a pattern."""
    escaped = [pattern.replace("[", "[[]") for pattern in patterns]
    every = {
        name: None
        for family in registry().families_of("lipschitz")
        if not family.missing()
        for tier in tiers
        for name in family.names(tier)
    }
    return [name for name in every if any(fnmatch.fnmatch(name, one) for one in escaped)]


def main(arguments: list[str] | None = None) -> None:
    """Settle the problems that the command line names, saving each at once."""
    parser = argparse.ArgumentParser(prog="_referee", description=__doc__)
    parser.add_argument("patterns", nargs="*", default=["*"], help="names, or patterns with *")
    parser.add_argument("--tier", action="append", help="default: smoke and standard")
    parser.add_argument("--search", type=float, default=2.0, help="seconds of the own search")
    parser.add_argument("--seconds", type=float, default=3.0, help="for a method and a problem")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--file", type=Path, default=references.FILE)
    chosen = parser.parse_args(arguments)
    todo = names(chosen.patterns, chosen.tier or ["smoke", "standard"])
    for number, name in enumerate(todo, 1):
        known = references.load(chosen.file)
        problem = registry().build("lipschitz", name)
        assert isinstance(problem, LipschitzProblem)  # noqa: S101 - for mypy
        key = references.digest(problem)
        if key in known and not chosen.again:
            continue
        start = monotonic()
        settling = Settling(name, problem, known.get(key))
        settling.search(chosen.search)
        settling.prove(chosen.seconds)
        if not settling.closed().all():
            settling.witnesses(chosen.seconds)
        entry = settling.entry()
        references.checked(entry, problem, references.floor(problem))
        references.save({**known, key: entry}, chosen.file)
        proved = int((~np.isnan(entry.exact)).sum())
        told = f"exact {proved}/{entry.exact.size}"
        if problem.norm != "partial":
            ratio = np.median(settling.upper / np.maximum(entry.lower, 1e-300))
            told += f", median upper/lower {ratio:.6g}"
        if settling.violations():
            told += f"; {settling.violations()} BOUNDS BELOW VALUES"
        took = monotonic() - start
        sys.stdout.write(f"[{number}/{len(todo)}] {name}: {told} ({took:.1f} s)\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
