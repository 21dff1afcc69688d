"""Finds references: several ways from several starts, the best point polished and judged.

``python -m tiltyard.suites.bilevel._referee 'mlr-*'`` settles the problems whose canonical names
match, and writes those that have no closed form; existing ones are kept unless ``--again`` is
given.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import time
from pathlib import Path

from tiltyard.registry import registry
from tiltyard.suites.bilevel import _reference as references
from tiltyard.suites.bilevel._reference import Reference
from tiltyard.suites.bilevel._settle import settle


def names(patterns: list[str], tiers: list[str]) -> list[str]:
    """Return the canonical names of the problems in tiers that match a pattern.

    A pattern without ``*`` is a name, whatever its tier; a ``[`` stands for itself.
    """
    exact = {registry().canonical("bilevel", one) for one in patterns if "*" not in one}
    escaped = [pattern.replace("[", "[[]") for pattern in patterns]
    every = {
        name
        for family in registry().families_of("bilevel")
        for tier in tiers
        for name in family.names(tier)
    }
    matching = {name for name in every if any(fnmatch.fnmatch(name, one) for one in escaped)}
    return sorted(matching | exact)


def main(arguments: list[str] | None = None) -> None:
    """Settle the problems that the command line names, saving each at once."""
    parser = argparse.ArgumentParser(prog="_referee", description=__doc__)
    parser.add_argument("patterns", nargs="*", default=["*"], help="names, or patterns with *")
    parser.add_argument("--tier", action="append", help="default: smoke and standard")
    parser.add_argument("--starts", type=int, default=3, help="1 for x0 alone")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--file", type=Path, default=references.FILE)
    chosen = parser.parse_args(arguments)
    known = references.load(chosen.file)
    for name in names(chosen.patterns, chosen.tier or ["smoke", "standard"]):
        if name in known and not chosen.again:
            continue
        begin = time.monotonic()
        result = settle(name, chosen.starts)
        told = result
        if isinstance(result, Reference):
            told = f"{result.kind} {result.value:.12g}, gradient {result.gradient:.1e}"
            told += f", by {'; '.join(result.ways)}"
            if result.fingerprint:
                # Another process may have settled others meanwhile.
                known = {**references.load(chosen.file), name: result}
                references.save(known, chosen.file)
        sys.stdout.write(f"{name}: {told} ({time.monotonic() - begin:.0f} s)\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
