"""What a measured process does."""
