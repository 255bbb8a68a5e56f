"""A world in one process: virtual time, one seed, faults at every driver call, and witnesses."""
