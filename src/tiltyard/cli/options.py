"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StorePath = Annotated[Path, typer.Option("--store", help="The file that holds the records.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
SuiteName = Annotated[str, typer.Argument(help="The suite, such as cvar.")]
Tier = Annotated[str, typer.Option(help="smoke, standard or full.")]
AnyTier = Annotated[
    str | None, typer.Option("--tier", help="Only problems of this tier [default: all].")
]
Track = Annotated[
    str | None, typer.Option("--track", help="Only problems of this track of a suite.")
]
Kind = Annotated[
    str | None, typer.Option("--kind", help="Only implementations of this kind of a suite.")
]
Problems = Annotated[
    list[str] | None,
    typer.Option("--problem", "-p", help="Problems: a glob or an exact name. Repeatable."),
]
Implementations = Annotated[
    list[str] | None,
    typer.Option(
        "--implementation", "-i", help="Implementations: a glob or name[parameter=value]."
    ),
]
Seeds = Annotated[int | None, typer.Option(help="Number of seeds [default: the tier's].")]
Seconds = Annotated[
    float | None, typer.Option(help="Budget on the method's clock [default: the tier's].")
]
Iterations = Annotated[int | None, typer.Option(help="Budget in answers yielded.")]
Cost = Annotated[float | None, typer.Option(help="Budget in weighted oracle calls.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:N or auto.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads for BLAS, torch and numba.")]
Jobs = Annotated[
    int, typer.Option(min=1, help="Runs at the same time; above 1 they disturb each other.")
]
Wall = Annotated[
    float | None,
    typer.Option(min=0, help="Seconds after which a run is killed [default: 60 + 3 budgets]."),
]
Memory = Annotated[
    float | None,
    typer.Option(min=0, help="GiB a worker may hold [default: 80 % of the machine's]."),
]
Again = Annotated[bool, typer.Option("--again", help="Make runs anew that the store has.")]

STORE = Path("tiltyard.db")
