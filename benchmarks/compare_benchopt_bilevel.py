"""Compare four stochastic bilevel methods with benchopt's benchmark_bilevel on its own data.

Run it as ``python compare_benchopt_bilevel.py CHECKOUT --python PYTHON``, where CHECKOUT is a clone
of github.com/benchopt/benchmark_bilevel and PYTHON an interpreter that has benchopt, jax, jaxopt
and joblib. Nothing of theirs is copied: its data set and solvers are imported from the checkout, in
a process of its own, and a solver's callback waits for the device before it reads the clock.

Both sides take the same numbers of steps from the same start with step 0.1, ratio 1 and batches of
64, on one core, in turns; seconds are of the processor, all threads, so that other work on the
machine does not count; |grad Phi|^2 is by one closed form in float64. Theirs works in float32
unless ``--x64``; ours always in float64.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

STEPS = {"soba": 256, "stocbio": 64, "mrbo": 256, "saba": 256}
"""Steps between two of the evaluations."""

EVALUATIONS = 30
SIZES = {"n_samples_inner": 256, "n_samples_outer": 256, "dim_inner": 20, "dim_outer": 10}
COEFFICIENTS = ("A", "C", "a", "E", "H", "K", "e", "h")


def _coefficients(function, count, y0, x0, names) -> dict[str, object]:
    """Return each sample's Hessian in y, in x, across, and slopes at 0, of those with a name."""
    import jax
    import jax.numpy as jnp

    def of_sample(y, x, i):
        return function(y, x, start=i, batch_size=1)

    zeros, samples = (0.0 * y0, 0.0 * x0), jnp.arange(count)
    in_y, in_x = jax.vmap(lambda i: jax.grad(of_sample, (0, 1))(*zeros, i))(samples)
    bends = jax.vmap(lambda i: jax.hessian(of_sample, (0, 1))(*zeros, i))(samples)
    parts = (bends[0][0], bends[1][1], bends[1][0], in_y, in_x)
    return {name: part for name, part in zip(names, parts, strict=True) if name}


def theirs(checkout: Path, out: Path, method: str, seed: int) -> None:
    """Run one of their solvers, and save the data, the iterates and the seconds to each."""
    sys.path.insert(0, str(checkout))
    os.chdir(checkout)
    import jax
    import jax.numpy as jnp

    dataset = importlib.import_module("datasets.simulated").Dataset.get_instance(**SIZES)
    data = dataset.get_data()
    inner, n, dim_y, _ = data["pb_inner"]
    outer, m, dim_x, _ = data["pb_outer"]
    y0, x0 = jnp.zeros(dim_y), -2.0 * jnp.ones(dim_x)
    arrays = _coefficients(inner, n, y0, x0, ("A", "", "C", "a", ""))
    arrays |= _coefficients(outer, m, y0, x0, ("E", "H", "K", "e", "h"))
    solver = importlib.import_module(f"solvers.{method}").Solver.get_instance(
        eval_freq=STEPS[method], step_size=0.1, outer_ratio=1.0, batch_size=64, random_state=seed
    )
    solver.set_objective(inner, outer, n, m, y0, x0)
    clock, points, started = [0.0], [], 0.0

    def callback() -> bool:
        nonlocal started
        jax.block_until_ready((solver.inner_var, solver.outer_var))
        if points:
            clock.append(clock[-1] + time.process_time() - started)
        points.append(np.asarray(solver.outer_var))
        started = time.process_time()
        return len(points) <= EVALUATIONS

    solver.run(callback)
    arrays |= {"x0": x0, "y0": y0, "points": np.array(points), "clock": np.array(clock)}
    np.savez(out, **{name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()})


def ours(data: dict[str, np.ndarray], method: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the iterates at the same steps, and the seconds to each."""
    from tiltyard.suites.bilevel._quadratic import Quadratic
    from tiltyard.suites.bilevel.problem import BilevelProblem

    model = Quadratic({name: data[name] for name in COEFFICIENTS}, data["x0"], data["y0"])
    problem = BilevelProblem(model=model, track="stochastic").on("cpu")
    module = importlib.import_module(f"tiltyard.implementations.bilevel.{method}")
    answers = getattr(module, method).function(
        problem, np.random.default_rng(seed), step=0.1, outer_ratio=1.0, batch_size=64, scaled=False
    )
    points, clock, spent, steps = [data["x0"]], [0.0], 0.0, 0
    next(answers)
    each = 10 if method in ("soba", "saba") else 1
    while len(points) <= EVALUATIONS:
        started = time.process_time()
        answer = next(answers)
        spent, steps = spent + time.process_time() - started, steps + each
        if steps >= STEPS[method] * len(points):
            points.append(answer["x"].numpy())
            clock.append(spent)
    return np.array(points), np.array(clock)


def gradients(data: dict[str, np.ndarray], points: np.ndarray) -> np.ndarray:
    """Return |grad Phi|^2 at each point, full batch, in closed form."""
    A, C, a, E, H, K, e, h = (data[name].mean(axis=0) for name in COEFFICIENTS)
    found = []
    for x in points.astype(np.float64):
        y = -np.linalg.solve(A, C.T @ x + a)
        v = -np.linalg.solve(A, E @ y + K.T @ x + e)
        found.append(float(np.sum((H @ x + K @ y + h + C @ v) ** 2)))
    return np.array(found)


def run_theirs(arguments: argparse.Namespace, method: str, seed: int) -> dict[str, np.ndarray]:
    """Run ``theirs`` in an interpreter of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.npz"
        command = [arguments.python, __file__, str(arguments.checkout), "--out", str(out)]
        environment = os.environ | {"JAX_ENABLE_X64": str(int(arguments.x64))}
        subprocess.run(
            [*command, "--method", method, "--seed", str(seed)],
            check=True,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        return dict(np.load(out))


def compare(arguments: argparse.Namespace, method: str) -> None:
    """Print the two sides' median gradients over seeds, and their fastest times."""
    times, last = {"theirs": [], "ours": []}, {"theirs": [], "ours": []}
    reached = []
    for seed in range(1, arguments.repeats + 1):
        data = run_theirs(arguments, method, seed)
        their = gradients(data, data["points"])
        points, clock = ours(data, method, seed)
        our = gradients(data, points)
        times["theirs"].append(data["clock"][-1])
        times["ours"].append(clock[-1])
        last["theirs"].append(their[-1])
        last["ours"].append(our[-1])
        # From then on it stays there: a gradient that passes through a level has not reached it.
        above = np.flatnonzero(our > their[-1])[-1] + 1
        reached.append(clock[above] if above < len(clock) else np.inf)
    print(  # noqa: T201 - a script's report
        f"{method:8s} {STEPS[method] * EVALUATIONS:5d} steps  |grad Phi|^2 from {their[0]:.4g}:"
        f"  theirs {np.median(last['theirs']):.3g} in {min(times['theirs']):.2f} s,"
        f"  ours {np.median(last['ours']):.3g}"
        f" in {min(times['ours']):.2f} s, and below theirs to stay in {np.median(reached):.2f} s"
    )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--x64", action="store_true", help="let theirs work in float64, too")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--method")
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    arguments.checkout = arguments.checkout.resolve()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if arguments.out:
        theirs(arguments.checkout, arguments.out, arguments.method, arguments.seed)
        return
    for method in STEPS:
        compare(arguments, method)


if __name__ == "__main__":
    main()
