"""Drives implementations: clock, budget, isolation, records."""
