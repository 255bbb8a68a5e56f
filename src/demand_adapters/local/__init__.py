"""The engine of one machine: a SQLite file and a folder, which outlive the process."""
