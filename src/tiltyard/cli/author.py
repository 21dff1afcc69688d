"""Commands for authors of plug-ins: check, new."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.cli import options as opt

if TYPE_CHECKING:  # imported when a command runs
    from tiltyard.conformance import Check, Trial
    from tiltyard.registry import Registry

new_app = typer.Typer(
    help="Write the first version of a plug-in, or what a history needs, to be edited.",
    rich_markup_mode=None,
)

Folder = Annotated[
    Path | None,
    typer.Option(
        "--to",
        help="Folder for the files, made if absent "
        "[default: the first of $TILTYARD_PLUGINS, else ./tiltyard_plugins].",
        show_default=False,
    ),
]

_STYLES = {"ok": "green", "failed": "bold red", "skipped": "yellow"}


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(check)
    app.add_typer(new_app, name="new")


def check(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            help="An implementation, a suite, a problem family or a dataset; "
            "suite/name where several have the name, suite/* for all of a suite.",
        ),
    ],
    as_json: opt.Json = False,
) -> int:
    """Check plug-ins against their contract; exit code 1 if one breaks it."""
    from tiltyard.cli.screen import print_json
    from tiltyard.registry import registry

    found = registry()
    plugins = list(dict.fromkeys(plugin for name in names for plugin in _find(found, name)))
    trials = _trials(found, plugins)
    results = []
    for kind, name in plugins:
        checks = _checks(found, kind, name, trials)
        results.append((kind, name, checks))
        if not as_json:
            _print_checks(kind, name, checks)
    if as_json:
        print_json([_plain(*result) for result in results])
    return 0 if all(check.ok for _, _, checks in results for check in checks) else 1


@new_app.command("implementation")
def new_implementation(
    suite: opt.SuiteName,
    name: Annotated[str, typer.Argument(help="The method's name, as reports show it.")],
    to: Folder = None,
) -> None:
    """Write a minimal method of a suite."""
    from tiltyard import scaffold
    from tiltyard.registry import registry

    paths = scaffold.new_implementation(registry(), suite, name, to)
    _print_next(paths, f"check {suite}/{name}", f"run {suite} -i {name}")


@new_app.command("suite")
def new_suite(
    name: Annotated[str, typer.Argument(help="The suite's name.")], to: Folder = None
) -> None:
    """Write a suite in one file: problems, judge, one method."""
    from tiltyard import scaffold
    from tiltyard.registry import registry

    paths = scaffold.new_suite(registry(), name, to)
    _print_next(paths, f"check {name} '{name}/*'", f"run {name}")


@new_app.command("dataset")
def new_dataset(
    name: Annotated[str, typer.Argument(help="The dataset's name.")], to: Folder = None
) -> None:
    """Write an embedded dataset: its file and its loader."""
    from tiltyard import scaffold
    from tiltyard.registry import registry

    paths = scaffold.new_dataset(registry(), name, to)
    _print_next(paths, f"check {name.replace('_', '-')}")
    typer.echo(f"after a change of {paths[-1].name}, declare what sha256sum says of it")


@new_app.command("history")
def new_history() -> None:
    """Write asv's configuration, its benchmarks and a GitHub Actions workflow into this repository.

    Files that exist stay as they are.
    """
    from tiltyard import scaffold
    from tiltyard.git import Repository

    written, kept = scaffold.new_history(Repository(Path.cwd()))
    _print_written(written)
    if kept:
        typer.echo(f"left as they are: {', '.join(map(os.path.relpath, kept))}")
    if written:
        typer.echo("next:")
        typer.echo(f"  git add {shlex.join(map(os.path.relpath, written))}")
        typer.echo("  git commit -m 'Keep a history of time and accuracy'")
        typer.echo("  tiltyard run --tier smoke --seeds 7 && tiltyard history add")


def _find(found: Registry, name: str) -> list[tuple[str, str]]:
    """Return the kind and full name of every plug-in that goes by this name."""
    from fnmatch import fnmatchcase

    from tiltyard.errors import unknown

    plugins = [
        *(("suite", key) for key in found.suites),
        *(("implementation", "/".join(key)) for key in found.implementations),
        *(("problem", "/".join(key)) for key in found.families),
        *(("dataset", key) for key in found.datasets),
        *(("broken", _stem(entry.source)) for entry in found.broken),
    ]
    chosen = [
        (kind, full)
        for kind, full in plugins
        if name in (full, full.rpartition("/")[2]) or ("*" in name and fnmatchcase(full, name))
    ]
    if not chosen:
        known = {part for _, full in plugins for part in (full, full.rpartition("/")[2])}
        raise unknown("implementation", name, known)
    return chosen


def _stem(source: str) -> str:
    """Return what a broken plug-in is most likely called: its file's or module's last name."""
    return source.removesuffix(".py").replace("\\", "/").rpartition("/")[2].rpartition(".")[2]


def _trials(found: Registry, plugins: list[tuple[str, str]]) -> dict[tuple[str, str], Trial]:
    """Try all methods at once, which saves each of them the start of a worker."""
    from rich.console import Console

    from tiltyard.conformance import try_methods

    keys = [name.split("/") for kind, name in plugins if kind == "implementation"]
    if not keys:
        return {}
    with Console(stderr=True).status(f"trying {len(keys)} implementations"):
        return try_methods(found, [found.implementation(*key) for key in keys])


def _checks(
    found: Registry, kind: str, name: str, trials: Mapping[tuple[str, str], Trial]
) -> list[Check]:
    from tiltyard import conformance

    if kind == "suite":
        return conformance.check_suite(found, name)
    if kind == "dataset":
        return conformance.check_dataset(found, name)
    if kind == "broken":
        broken = [entry for entry in found.broken if _stem(entry.source) == name]
        return [
            conformance.Check(f"{entry.source} can be used", "failed", entry.reason)
            for entry in broken
        ]
    suite, _, own = name.partition("/")
    if kind == "problem":
        return conformance.check_family(found, suite, own)
    return conformance.check_implementation(found, suite, own, trial=trials[suite, own])


def _print_checks(kind: str, name: str, checks: list[Check]) -> None:
    from rich.markup import escape

    from tiltyard.cli.screen import console

    console.print(f"[bold]{kind} {escape(name)}[/]")
    for check in checks:
        word = check.outcome.upper() if check.outcome == "failed" else check.outcome
        detail = f": {escape(check.detail)}" if check.detail else ""
        style = _STYLES[check.outcome]
        console.print(f"  [{style}]{word:<7}[/] {escape(check.name)}{detail}", soft_wrap=True)


def _plain(kind: str, name: str, checks: list[Check]) -> dict[str, Any]:
    from dataclasses import asdict

    return {"kind": kind, "name": name, "checks": [asdict(check) for check in checks]}


def _print_next(paths: list[Path], *commands: str) -> None:
    """Print the files written and what to type next."""
    from tiltyard.registry import user_folders

    _print_written(paths)
    folder = paths[0].parent.resolve()
    folders = user_folders()
    option = ""
    if "TILTYARD_PLUGINS" in os.environ or folder not in folders:
        searched = dict.fromkeys([*folders, folder])
        option = f"--plugins {shlex.quote(os.pathsep.join(map(os.path.relpath, searched)))} "
    typer.echo("next:")
    for command in commands:
        typer.echo(f"  tiltyard {option}{command}")


def _print_written(paths: list[Path]) -> None:
    for path in paths:
        typer.echo(f"wrote {os.path.relpath(path)}")
