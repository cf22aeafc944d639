"""The executive's namespace as a read-only tree of files in the guests' /nt. docs/inspection.md, "In the guest"."""
