"""Commands for authors of plug-ins."""

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
