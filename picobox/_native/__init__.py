"""The C core; `_core` is built from the C files beside this one, and core.h is its contract."""
