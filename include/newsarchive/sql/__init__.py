"""The views, a .sql file each; `store.snapshot` runs them in its own order."""
