"""A world in one process: virtual time, one seed, faults at every call, and witnesses."""
