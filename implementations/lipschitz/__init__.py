"""Methods for the lipschitz suite, one file each."""
