"""What maintainers run, as modules and from the root of the repository: python -m tools.site.build"""
