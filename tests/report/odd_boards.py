"""Boards that are hard to show: with one row, without a result, with names from hell."""

import dataclasses
import math

from toy_store import HARDWARE, MINUS, PLUS, by_hand, record

from tiltyard.grouping import boards
from tiltyard.run.record import Status
from tiltyard.suite import Budget

ENVIRONMENTS = {"env": {**HARDWARE, "hardware": "hw", "packages": {"tiltyard": "0.1.0"}}}

NAMES = (
    r"a_b%&#${}~^\<i>\"'`|é--[x]",
    "</title><script>alert(1)</script>]]>",
    "\u4e2d\u6587 \U0001f600\u202ez\u00b2\u03b1",
    "tab\tnew\nline\x07",
    "y" * 300,
    "averaged[step=0.1,momentum=0.9]" * 10,
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "$x$",
)


ODD = (
    "usual",
    "smoke",
    "one implementation",
    "one problem",
    "all failed",
    "all unsupported",
    "nothing ranked",
    "nan",
    "no checkpoint",
    "zero",
    "names",
)
"""What ``odd_boards`` has, for the parameters of tests."""


def board_of(toy, records, tier="standard", title=None):
    """Return the main board of records of the toy suite."""
    suite = toy.suite("toy")
    if title:
        suite = dataclasses.replace(suite, title=title)
    return boards(toy, suite, tier, records, ENVIRONMENTS)[0]


def named(name, *, seconds=0.01, problem=PLUS):
    """Return a run that sustains both targets, of an implementation of any name."""
    one = record("halve", problem, [(0.001, 0.5), (seconds, 0.005)])
    one.spec = dataclasses.replace(one.spec, implementation=name)
    return one


def one_problem_each(methods):
    """Return runs of which each method takes one problem of its own, and no other."""
    return [
        record(method, f"line[x0=3.0,instance={i}]", [(0.01, 0.001)])
        for i, method in enumerate(methods)
    ]


def odd_boards(toy):
    """Return boards by what is odd about them."""
    smoke = record("halve", "line[x0=1.0,instance=0]", [(0.1, 0.5)], budget=Budget(seconds=0.05))
    failed = {"status": Status.CRASHED, "reason": "as asked"}
    unsupported = {"status": Status.UNSUPPORTED, "reason": "needs more"}
    nothing = record("halve", PLUS, [(0.1, math.nan)], status=Status.STOPPED)
    third = ("halve", "noisy", "called_back")
    return {
        "usual": board_of(toy, by_hand()),
        "smoke": board_of(toy, [smoke], "smoke"),
        "one implementation": board_of(toy, by_hand()[:2]),
        "one problem": board_of(toy, by_hand()[::2]),
        "all failed": board_of(
            toy, [record(m, p, [], **failed) for m in third for p in (PLUS, MINUS)]
        ),
        "all unsupported": board_of(toy, [record(m, PLUS, [], **unsupported) for m in third]),
        "nothing ranked": board_of(toy, one_problem_each(third), None),
        "nan": board_of(toy, [nothing, record("noisy", PLUS, [(0.0, math.inf), (0.1, math.nan)])]),
        "no checkpoint": board_of(toy, [record("halve", PLUS, [], status=Status.STOPPED)]),
        "zero": board_of(toy, [record("halve", PLUS, [(0.0, 0.0)])]),
        "names": board_of(
            toy,
            [named(n, problem=p) for n in NAMES for p in (PLUS, MINUS)],
            title="100 % <b>\u4e2d</b> $x_1$ & \\more]",
        ),
    }
