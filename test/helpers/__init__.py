"""What several tests share: tiny models and the like. Imported as `helpers`, see pythonpath in pyproject.toml."""
