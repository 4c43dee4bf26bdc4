"""Does a program that uses the package for hours stay as it was after its first minute?

Run by ``python -m tests.soak --minutes 10``, from the project's root.
"""
