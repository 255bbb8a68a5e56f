"""What starts the workers: settings, wiring, the run of one worker, and the ways to call it."""
