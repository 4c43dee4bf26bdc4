"""A program that uses the package for hours, and whether its resources stay constant.

Run by ``python -m tests.soak --minutes 10``, from the project's root.
"""
