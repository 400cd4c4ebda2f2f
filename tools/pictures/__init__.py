"""Pictures made by maintainers: painted results, and the drawn styles."""
