"""Models of a user for the other libraries."""
