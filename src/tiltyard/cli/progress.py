"""Shows runs as they end: a live table in a terminal, plain lines when piped."""

from __future__ import annotations

import time
from collections import deque
from typing import Self

import typer
from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from tiltyard.cli.screen import console, number, seconds, status
from tiltyard.grouping import label
from tiltyard.registry import Registry
from tiltyard.run.pool import Event, Finished, Planned, Refused, Started
from tiltyard.run.record import Record
from tiltyard.run.spec import RunSpec

SHOWN = 12


class Watcher:
    """Shows the progress of runs; call it with every event.

    Args:
        registry: the suites and implementations of the runs.
        quiet: show problems that could not be set up, and nothing else.
    """

    def __init__(self, registry: Registry, *, quiet: bool = False) -> None:
        self._shows = not quiet
        self._live_shows = console.is_terminal and not quiet
        self._total = 0
        self._registry = registry
        self._done = 0
        self._begun = time.monotonic()
        self._running: dict[str, RunSpec] = {}
        self._refused: set[str] = set()
        self._recent: deque[Record] = deque(maxlen=SHOWN)
        self._bar = Progress(
            BarColumn(bar_width=40), MofNCompleteColumn(), TextColumn("{task.description}")
        )
        self._task = self._bar.add_task("", total=None)
        self._live = Live(console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._live_shows:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live_shows:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take in what happened."""
        match event:
            case Planned(runs):
                self._total = runs
            case Started(spec):
                self._running[spec.id] = spec
            case Finished(record):
                self._running.pop(record.spec.id, None)
                self._recent.append(record)
                self._done += 1
                if self._shows and not self._live_shows:
                    self._print(record)
            case Refused(spec, reason):
                self._running.pop(spec.id, None)
                self._done += 1
                if spec.problem not in self._refused:  # it is the same for every method
                    self._refused.add(spec.problem)
                    typer.echo(f"{spec.problem} could not be set up: {reason}", err=True)
        if self._live_shows:
            self._bar.update(
                self._task,
                completed=self._done,
                total=self._total,
                description=self._time_left(),
            )
            self._live.update(Group(self._table(), self._bar))

    def _time_left(self) -> str:
        if not self._done:
            return "starting"
        left = (time.monotonic() - self._begun) / self._done * (self._total - self._done)
        return f"about {left:.0f} s left"

    def _gap(self, record: Record) -> str:
        gap = self._registry.suite(record.spec.suite).gap
        return number(record.metrics.get(gap)) if record.metrics else "-"

    def _print(self, record: Record) -> None:
        reason = f"  ({record.reason})" if record.status.failed else ""
        spec = record.spec
        run = f"{label(self._registry, spec)} on {spec.problem}, seed {spec.seed}"
        console.print(
            f"[{self._done}/{self._total}] {status(record.status)} {escape(run)}  "
            f"{seconds(record.seconds)}  gap {self._gap(record)}{escape(reason)}",
            soft_wrap=True,
        )

    def _table(self) -> Table:
        table = Table(expand=True)
        for column in ("status", "implementation", "problem", "seed", "seconds", "gap"):
            table.add_column(column, no_wrap=True)
        for record in self._recent:
            spec = record.spec
            table.add_row(
                status(record.status),
                escape(label(self._registry, spec)),
                escape(spec.problem),
                str(spec.seed),
                seconds(record.seconds),
                self._gap(record),
            )
        for spec in self._running.values():
            names = (escape(label(self._registry, spec)), escape(spec.problem))
            table.add_row("running", *names, str(spec.seed), "", "")
        return table
