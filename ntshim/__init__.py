"""The NT executive in miniature: objects, handles, processes and services, usable alone on any operating system."""
