"""The conditions of a board in words, and the command that meets them again."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from tiltyard.board import Board, Conditions
from tiltyard.report.format import budget, count
from tiltyard.run.environment import describe_hardware

SMOKE = "smoke tier: not for publication"

Environments = Mapping[str, Mapping[str, Any]]


def hardware(key: str, environments: Environments) -> str:
    """Return the hardware of that id in one line; the id itself where it is not known."""
    for values in environments.values():
        if values["hardware"] == key:
            try:
                return describe_hardware(dict(values))
            except (KeyError, TypeError):  # an environment that another version wrote
                break
    return key


def describe(conditions: Conditions, environments: Environments) -> dict[str, str]:
    """Return what a board's rows have in common, by name."""
    return {
        **({"track": conditions.track} if conditions.track else {}),
        **({"kind": conditions.kind} if conditions.kind else {}),
        "device": conditions.device,
        "threads": str(conditions.threads),
        "budget": f"{budget(conditions.budget)} a run",
        "hardware": hardware(conditions.hardware, environments),
        "suite version": str(conditions.suite_version),
    }


def describe_board(board: Board, environments: Environments) -> dict[str, str]:
    """Return the conditions of a board with its tier and pool."""
    return {
        "tier": board.tier,
        **({"parameters": f"tuned({board.tuned})"} if board.tuned else {}),
        **describe(board.conditions, environments),
        "pool": board.pool,
        "problems": f"{len(board.problems)} of {board.of}",
        "seeds": str(len(board.seeds)),
    }


def other(board: Board, environments: Environments) -> str:
    """Return a board that is not shown in one line."""
    text = in_words(describe(board.conditions, environments))
    return f"{text}: {count(len(board.records), 'run')}"


def in_words(described: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
    """Return described conditions in one line, each value escaped."""
    return ", ".join(f"{key} {escape(value)}" for key, value in described.items())


def command(board: Board) -> str:
    """Return the command that makes a board's runs: the defaults, and what they are tuned over."""
    conditions, tier = board.conditions, board.suite.tiers.get(board.tier)
    words = ["tiltyard", "run", board.suite.name, "--tier", board.tier]
    words += ["--track", board.track] if board.track else []
    words += ["--kind", board.kind] if board.kind else []
    if tier is None or conditions.budget.seconds != tier.seconds:
        words += _option("seconds", conditions.budget.seconds)
    words += _option("iterations", conditions.budget.iterations)
    words += _option("cost", conditions.budget.cost)
    if tier is None or len(board.seeds) != tier.seeds:
        words += _option("seeds", len(board.seeds))
    if conditions.device != "cpu":
        words += ["--device", conditions.device]
    if conditions.threads != 1:
        words += _option("threads", conditions.threads)
    if board.tuned:
        words += _option("tune", board.tuned)
    return shlex.join(words)


def _option(name: str, value: float | None) -> list[str]:
    return [] if value is None else [f"--{name}", f"{value:g}"]
