"""The steps of storing a batch; `operations.ingest` puts them together in one transaction."""
