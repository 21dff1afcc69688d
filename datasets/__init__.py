"""Built-in datasets, found by the registry."""
