"""The command line. Each command imports what it needs when it runs."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Annotated

import typer

from tiltyard.errors import TiltyardError

INTERRUPTED = 130
"""The shell's exit code for a program that Ctrl-C ended."""

app = typer.Typer(
    name="tiltyard",
    help="Methods meet head to head under one set of rules: run suites, judge answers, rank.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _global_options(
    plugins: Annotated[
        str | None,
        typer.Option(
            help="Folders with plug-ins of your own, separated as in PATH "
            "[default: $TILTYARD_PLUGINS, else ./tiltyard_plugins].",
        ),
    ] = None,
    data_dir: Annotated[
        str | None,
        typer.Option(
            help="Folders with copies of datasets, which are then not downloaded, separated as in "
            "PATH [default: $TILTYARD_DATA].",
        ),
    ] = None,
) -> None:
    if data_dir is not None:
        os.environ["TILTYARD_DATA"] = data_dir
    if plugins is not None:
        os.environ["TILTYARD_PLUGINS"] = plugins


for _module in ("look", "runs", "studies", "boards", "compare", "history", "author", "train"):
    import_module(f"tiltyard.cli.{_module}").register(app)


def main() -> None:
    """Run the command line: exit code 0 fine, 1 some run failed, 2 the user's mistake."""
    sys.exit(_run())


def _run() -> int:
    try:
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except TiltyardError as error:
        return _mistake(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, as in `tiltyard list | head`; keep Python's exit handler quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        # Wrong usage; typer's exceptions have no public base class of their own.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        return _mistake(f"{message()} ('tiltyard --help' shows the usage)")
    return code if isinstance(code, int) else 0


def _mistake(message: str) -> int:
    line = " ".join(message.split())
    typer.echo(f"tiltyard: {line}", err=True)
    return 2
