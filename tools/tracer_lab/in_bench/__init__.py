"""What of the bench runs in the guest, with the standard library alone."""
