"""What WSL's kernel module adds to NT's files to make Linux files of them (facts/wsl1.md section 4)."""
