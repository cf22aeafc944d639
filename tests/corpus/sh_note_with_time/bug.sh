# Adds a note to a project's history; its name begins with the time.
mkdir history
echo "Fired the second kiln." >history/2020-11-06T16:42:42Z_note.md
ls history | wc -l
