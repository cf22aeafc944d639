# Locks a file beside the journal that it is about to read, and writes through what it has locked.
echo first >journal
exec 9>>journal.lock
flock 9
sort journal || exit 1
echo $$ >&9
date >&9
exec 9>&-
echo read
