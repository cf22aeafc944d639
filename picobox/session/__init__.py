"""The session manager: instances, which are Linux systems in directories of their own, their store and life cycle."""
