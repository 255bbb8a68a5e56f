"""Bytes and items on one side, domain values on the other; pure; tolerant in, exact out."""
