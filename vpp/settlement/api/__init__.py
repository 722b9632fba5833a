"""The room's HTTP views, by topic."""
