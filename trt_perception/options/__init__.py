"""Options as frozen dataclasses: read from mappings, checked, and described by a JSON schema made from them."""
