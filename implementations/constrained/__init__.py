"""Methods for the constrained suite, one file each."""
