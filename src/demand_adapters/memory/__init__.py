"""The engine without a disk: the reference the other engines are held to."""
