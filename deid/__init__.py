"""De-identification: a dataset in, a released one out; no files, no network."""
