"""Engines that stand on AWS: one file each, and one that calls."""
