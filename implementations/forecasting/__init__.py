"""Methods for the forecasting suite, one file each."""
