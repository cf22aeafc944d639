# Reads notes from their beginning once more, by /dev/fd, and removes them when they are read.
set -e
printf 'first\nsecond\n' > notes.txt
exec 3< notes.txt
read -r line <&3
exec 4< /dev/fd/3 3<&-
read -r again <&4
exec 4<&-
rm notes.txt
echo "$line $again"
