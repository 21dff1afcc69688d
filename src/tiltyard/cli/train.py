"""The command that trains a pretrained method from scratch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # imported when a command runs
    from tiltyard.implementation import Implementation
    from tiltyard.registry import Registry


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(train)


def train(
    implementation: Annotated[
        str,
        typer.Argument(help="A pretrained implementation; suite/name where several have the name."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The checkpoint to write [default: NAME.npz].", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same file.")] = 0,
) -> None:
    """Train a pretrained method from scratch, into a checkpoint with a checksum."""
    from tiltyard.errors import TiltyardError
    from tiltyard.registry import registry

    method = _find(registry(), implementation)
    trainer = method.trainer()
    if reason := method.missing():
        raise TiltyardError(f"{method.name} {reason}")
    path = out or Path(f"{method.name}.npz")
    if path.exists():
        raise TiltyardError(f"{path} exists; name another file with --out")
    if not path.parent.is_dir():
        raise TiltyardError(f"cannot write {path}: its folder does not exist")
    try:
        sha256 = trainer(path, seed=seed, report=lambda line: typer.echo(line, err=True))
    except OSError as error:
        raise TiltyardError(f"cannot write {path}: {error.strerror}") from None
    typer.echo(f"wrote {path}")
    typer.echo(f"sha256 {sha256}")


def _find(found: Registry, name: str) -> Implementation:
    """Return the implementation of this name, of whatever suite."""
    from tiltyard.errors import TiltyardError, unknown

    methods = [
        method
        for (suite, own), method in sorted(found.implementations.items())
        if name in (own, f"{suite}/{own}")
    ]
    if len(methods) == 1:
        return methods[0]
    if methods:
        owners = " or ".join(f"{method.suite}/{method.name}" for method in methods)
        raise TiltyardError(f"several suites have an implementation {name}: {owners}")
    trainable = [method.name for method in found.implementations.values() if method.train]
    raise unknown("implementation", name, trainable)
