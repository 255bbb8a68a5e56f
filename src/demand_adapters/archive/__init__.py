"""The archive over any file store: what is written into it, and what is done with its files."""
