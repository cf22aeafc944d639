"""The configuration manager: the registry, its keys and values, and the hives that keep them."""
