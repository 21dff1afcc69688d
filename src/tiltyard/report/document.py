"""Leaderboards as a JSON document that other programs read; its schema lies beside it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tiltyard
from tiltyard.board import Board
from tiltyard.report.conditions import Environments, hardware
from tiltyard.report.summary import caution

FORMAT = 3
"""Raised with every change that a program which reads the document would notice."""

SCHEMA = "leaderboard.schema.json"


def leaderboard_json(boards: Sequence[dict[str, Any]]) -> str:
    """Return the document of these boards, from ``board_json``, as text."""
    value = {
        "$schema": SCHEMA,
        "format": FORMAT,
        "tiltyard": tiltyard.__version__,
        "boards": list(boards),
    }
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def schema_json() -> str:
    """Return the document's schema, as JSON Schema 2020-12."""
    return (Path(__file__).parent / SCHEMA).read_text("utf-8")


def board_json(board: Board, environments: Environments) -> dict[str, Any]:
    """Return a board as plain JSON values; NaN and infinity are null."""
    conditions, suite = board.conditions, board.suite
    started = sorted(record.started for record in board.records if record.started)
    used = (environments.get(record.environment, {}) for record in board.records)
    versions = {values.get("packages", {}).get("tiltyard") for values in used}
    return {
        "suite": suite.name,
        "suite_title": suite.title,
        "suite_version": conditions.suite_version,
        "track": board.track,
        **({"kind": board.kind} if board.kind else {}),
        "tier": board.tier,
        "not_for_publication": board.tier == "smoke",
        "caution": caution(board),
        "conditions": {
            "device": conditions.device,
            "threads": conditions.threads,
            "budget": dataclasses.asdict(conditions.budget),
            "hardware": conditions.hardware,
            "hardware_description": hardware(conditions.hardware, environments),
        },
        "pool": board.pool,
        "problems": board.problems,
        "problems_of_tier": board.of,
        "seeds": board.seeds,
        "gap": suite.gap,
        "targets": list(suite.targets),
        "ranking": suite.ranking,
        "metrics": {metric.name: metric.unit for metric in suite.metrics},
        "runs": len(board.records),
        "first_run": started[0] if started else None,
        "last_run": started[-1] if started else None,
        "made_with": sorted(version for version in versions if version),
        "takes_none": dict(board.absent),
        "rows": [row.to_json() for row in board.rows],
    }
