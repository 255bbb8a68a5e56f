"""Remote services: one file each, and one that calls."""
