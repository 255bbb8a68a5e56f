"""Telling a fan who asked that a sale is about to open."""
