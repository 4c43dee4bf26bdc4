"""How fast, how small, how reliable? Measured side by side, against a sandbox process."""
