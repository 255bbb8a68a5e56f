"""The hexagon: what `demand` knows and decides; nothing in here does I/O.

Read it in this order: `errors`, `batch`, `domain` (values and rules), `ports` (what we ask of
the world), `workers` (one use case a file), `topology` (who is woken by what).
"""
