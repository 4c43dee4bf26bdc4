"""How fast, how small, how reliable? Measured side by side, in interleaved rounds."""
