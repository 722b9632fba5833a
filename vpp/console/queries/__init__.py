"""Read-only questions of the pages, one module a page."""
