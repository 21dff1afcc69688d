"""Runs the jobs of a GitHub Actions workflow here: shell steps, conditions, artifacts, checkouts.

Knows what the workflow of ``tiltyard new history`` uses, and fails on anything else.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

CLAUSE = re.compile(r"(\S+) == '(\w+)'")


@dataclass
class Event:
    """What starts a workflow."""

    name: str
    commit: str
    origin: Path


@dataclass
class Job:
    """A job's outcome: ``success``, ``failure`` or ``skipped``."""

    outcome: str
    outputs: dict[str, str]
    steps: dict[str, str] = field(default_factory=dict)
    log: str = ""


class Runner:
    """A machine for one run of a workflow."""

    def __init__(self, workflow, event, folder, env):
        self.workflow, self.event, self.folder = workflow, event, folder
        self.env = {**env, **workflow["env"], "GITHUB_SHA": event.commit}
        self.jobs = {}

    def run(self):
        """Run every job, in the order of the file, and return them by name."""
        for name, job in self.workflow["jobs"].items():
            facts = {"github.event_name": self.event.name}
            if "needs" in job:
                before = self.jobs[job["needs"]].outputs
                facts |= {f"needs.{job['needs']}.outputs.{key}": before[key] for key in before}
            if holds(job.get("if"), facts, failed=False):
                self.jobs[name] = self._job(job, self.folder / name, facts)
            else:
                self.jobs[name] = Job("skipped", {})
        return self.jobs

    def _job(self, job, folder, facts):
        folder.mkdir(parents=True)
        done = Job("success", {})
        for index, step in enumerate(job["steps"]):
            key = step.get("id") or step.get("name") or step["uses"]
            if holds(step.get("if"), facts, failed=done.outcome == "failure"):
                code = self._step(step, folder, done)
                outcome = "failure" if code else "success"
                done.outcome = "failure" if code else done.outcome
            else:
                outcome = "skipped"
            assert key not in done.steps, f"two steps {key} (the second is number {index})"
            done.steps[key] = outcome
            facts[f"steps.{key}.outcome"] = outcome
        for name, value in job.get("outputs", {}).items():
            done.outputs[name] = facts[value.removeprefix("${{ ").removesuffix(" }}")]
        return done

    def _step(self, step, folder, job):
        if "uses" in step:
            return self._action(step["uses"].partition("@")[0], step.get("with", {}), folder)
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        env = {**self.env, **step.get("env", {})}
        done = subprocess.run(
            shell, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        job.log += f"$ {step['run']}\n{done.stdout}{done.stderr}"
        return done.returncode

    def _action(self, name, options, folder):
        artifacts = self.folder / "artifacts"
        match name:
            case "actions/checkout":
                clone = ["git", "clone", "--quiet", str(self.event.origin), str(folder)]
                subprocess.run(clone, check=True, capture_output=True)
                detach = ["git", "-C", str(folder), "checkout", "--quiet", "--detach"]
                subprocess.run([*detach, self.event.commit], check=True)
            case "actions/upload-artifact":
                shutil.copytree(folder / options["path"], artifacts / options["name"])
            case "actions/download-artifact":
                shutil.copytree(artifacts / options["name"], folder / options["path"])
            case "actions/upload-pages-artifact":
                shutil.copytree(folder / options["path"], artifacts / "github-pages")
            case "actions/deploy-pages":
                return int(not (artifacts / "github-pages" / "index.html").is_file())
            case "actions/setup-python" | "actions/configure-pages":
                pass
            case _:
                raise AssertionError(f"what does {name} do?")
        return 0


def holds(condition, facts, *, failed):
    """Whether a step or a job runs; ``facts`` are the values that conditions may ask for."""
    if condition is None:
        return not failed
    clauses = condition.removeprefix("${{ ").removesuffix(" }}").split(" && ")
    assert clauses[0] == "!cancelled()", condition
    for clause in clauses[1:]:
        name, value = CLAUSE.fullmatch(clause).groups()
        if facts[name] != value:
            return False
    return True
