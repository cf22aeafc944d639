"""How a program is run and stopped: the only part of picobox that touches host processes."""
