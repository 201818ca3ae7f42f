"""The command tracer-check."""
