"""Tasks of the measured process."""
