"""Memory, as far as a model without memory of its own goes: sections, and the views of them that processes have."""
