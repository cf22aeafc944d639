# Adds a note to a project's history; its name begins with the time in the basic format, which has no colons.
mkdir history
echo "Fired the second kiln." >history/20201106T164242Z_note.md
ls history | wc -l
