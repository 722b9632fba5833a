"""Codecs of the ways in: bytes to a ReadingBatch, nothing judged."""
