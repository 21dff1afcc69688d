"""Methods for the cvar suite, one file each."""
