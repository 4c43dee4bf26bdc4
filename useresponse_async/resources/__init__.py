"""Which endpoints are there? One file per namespace."""
