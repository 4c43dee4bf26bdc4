"""Models of a user for the libraries that ours is measured beside."""
