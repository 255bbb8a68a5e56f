"""Avro container files: read within limits, written the same every time, spliced by the block.

`flaws` and `limits` say what is refused, `shapes` and `schemas` hold a schema to it, `frames`
knows the container, and `reading`, `writing` (which asks `rows`) and `splicing` are what others
call. The container is ours, so that every limit holds before fastavro sees a byte; fastavro
decodes and encodes single rows.
"""
