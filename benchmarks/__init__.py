"""Benchmarks that asv tracks, and those of pytest-benchmark beside them."""
