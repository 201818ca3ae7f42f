"""What runs in a guest whose kernel has sanitizers, with the standard library alone."""
