"""Finds references: several solvers from several starts, the best point polished and judged.

``python -m tiltyard.suites.constrained._referee 'hs*' 'cutest[name=HS71*'`` settles the problems
whose canonical names match; those that have a reference are kept unless ``--again`` is given.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import multiprocessing
import multiprocessing.connection
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from tiltyard.registry import registry
from tiltyard.suites.constrained import reference as references
from tiltyard.suites.constrained._settle import SOLVERS, settle
from tiltyard.suites.constrained.reference import Reference


def names(patterns: list[str], tiers: list[str]) -> list[str]:
    """Return the canonical names of the problems in tiers that match a pattern.

    A pattern without ``*`` is a name, whatever its tier; a ``[`` stands for itself.
    """
    exact = {registry().canonical("constrained", one) for one in patterns if "*" not in one}
    escaped = [pattern.replace("[", "[[]") for pattern in patterns]
    every = {
        name
        for family in registry().families_of("constrained")
        for tier in tiers
        for name in family.names(tier)
    }
    matching = {name for name in every if any(fnmatch.fnmatch(name, one) for one in escaped)}
    return sorted(matching | exact)


def found(
    todo: list[str], jobs: int, seconds: float, starts: int
) -> Iterator[tuple[str, Reference | str]]:
    """Yield each name with its reference, or with why there is none.

    Every problem has a process of its own, which is killed at its limit: native solvers may crash,
    or never return.

    Args:
        todo: names of problems.
        jobs: processes at a time.
        seconds: for one solver from one start.
        starts: x0, and so many less one around it.
    """
    context = multiprocessing.get_context("spawn")
    limit = seconds * starts * len(SOLVERS) + 60.0
    waiting = list(reversed(todo))
    running: list[tuple[str, Any, Any, float]] = []
    while waiting or running:
        while waiting and len(running) < jobs:
            name = waiting.pop()
            receive, send = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(name, seconds, starts, send))
            process.start()
            send.close()
            running.append((name, process, receive, monotonic() + limit))
        ready = multiprocessing.connection.wait([one[2] for one in running], timeout=1.0)
        for task in list(running):
            name, process, receive, end = task
            if receive not in ready and monotonic() < end:
                continue
            result: Reference | str = f"killed after {limit:.0f} s"
            if receive in ready:
                try:
                    result = receive.recv()
                except EOFError:
                    result = "its process died"
            process.kill()
            process.join()
            running.remove(task)
            yield name, result


def _work(name: str, seconds: float, starts: int, send: Any) -> None:
    try:
        send.send(settle(name, seconds, starts))
    except Exception as error:  # noqa: BLE001 - one problem's trouble must not stop the others
        send.send(f"{type(error).__name__}: {error}")


def main(arguments: list[str] | None = None) -> None:
    """Settle the problems that the command line names, saving each at once."""
    parser = argparse.ArgumentParser(prog="_referee", description=__doc__)
    parser.add_argument("patterns", nargs="*", default=["*"], help="names, or patterns with *")
    parser.add_argument("--tier", action="append", help="default: smoke and standard")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10.0, help="for a solver and a start")
    parser.add_argument("--starts", type=int, default=3, help="1 for x0 alone")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--file", type=Path, default=references.FILE)
    chosen = parser.parse_args(arguments)
    known = references.load(chosen.file)
    every = names(chosen.patterns, chosen.tier or ["smoke", "standard"])
    todo = [name for name in every if chosen.again or name not in known]
    results = found(todo, chosen.jobs, chosen.seconds, chosen.starts)
    for number, (name, result) in enumerate(results, 1):
        told = result
        if isinstance(result, Reference):
            known[name] = result
            references.save(known, chosen.file)
            told = f"{result.kind} {result.value:.12g}, kkt {result.kkt:.1e}"
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write(f"[{number}/{len(todo)}] {name}: {told}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
