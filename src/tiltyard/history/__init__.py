"""The history of timing and accuracy, stored as asv's results."""
