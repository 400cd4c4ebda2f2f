"""What maintainers run, as modules from the root of the repository: python -m tools.bench."""
