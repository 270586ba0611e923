"""The perception config: which cameras, which models, which pipelines; read from one YAML file."""
