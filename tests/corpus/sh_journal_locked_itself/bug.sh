# Locks the journal that it is about to read, as long as its descriptor is open.
echo first >journal
exec 9>>journal
flock 9
sort journal || exit 1
exec 9>&-
echo read
