"""The ports that keep state, written once over `ItemTable` and `FileStore`."""
