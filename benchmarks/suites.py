"""What asv tracks: every suite's time to each target, accuracy and memory, from the registry."""

from pathlib import Path

from tiltyard.history.asv_suites import classes

globals().update(classes(Path(__file__).parents[1]))
