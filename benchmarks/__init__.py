"""Benchmarks of speed, memory and reliability, side by side in interleaved rounds."""
