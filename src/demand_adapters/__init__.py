"""What the world is to the core: wire formats, stores over one table, and the engines."""
