"""The Linux x86-64 system call interface, declared once as data."""
