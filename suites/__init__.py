"""Built-in suites, found by the registry."""
