"""What makes a run start fast: how modules are loaded, and what stands in for libraries that take long to load."""
