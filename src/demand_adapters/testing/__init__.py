"""What an adapter of your own can be held against: one contract for each port, and faults.

Everything but `faults` and `fault_plans` needs the extra `testing`; nothing knows an engine.
"""
