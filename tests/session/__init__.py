"""What picobox.session does, as its users see it."""
