"""The Win32 layer: what kernel32 makes of paths, arguments and statuses before and after it calls NT."""
