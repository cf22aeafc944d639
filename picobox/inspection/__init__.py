"""What runs tell of themselves while they run: processes, handles, objects, locks, calls. docs/inspection.md."""
