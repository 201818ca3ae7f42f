"""The bench: what tracer adds to calls, in instructions, beside floors and peers."""
