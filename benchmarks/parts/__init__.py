"""The parts of the suite, and their goals."""
