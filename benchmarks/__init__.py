"""Benchmarks: what asv tracks of the suites, and the harness's own kernels."""
