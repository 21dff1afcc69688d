"""Built-in implementations, found by the registry."""
