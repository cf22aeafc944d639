"""Handlers of CALL rows, one module for each family; a function's name is its row's name."""
