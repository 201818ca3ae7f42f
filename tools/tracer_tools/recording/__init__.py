"""What processes did over time: kept in a file, and shown from it."""
