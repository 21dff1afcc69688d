"""Methods for the bilevel suite, one file each."""
