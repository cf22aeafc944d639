"""File systems: name rules, the folded directory index, volumes and what performs their operations."""
