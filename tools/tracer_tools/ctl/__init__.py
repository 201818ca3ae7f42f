"""The command tracerctl."""
