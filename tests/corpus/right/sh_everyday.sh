# What scripts do every day: pipelines, substitutions, here documents, scratch files that a trap removes.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/input" <<TEXT
one
two
TEXT
sort -r <"$scratch/input" | tee "$scratch/sorted" | wc -l
(cd "$scratch" && ls | tr '\n' ' ')
exec 3>"$scratch/log"
echo told >&3
exec 3>&-
mv "$scratch/log" "$scratch/log.1"
cp -r "$scratch" copy && mv copy moved && rm -r moved
while read -r line; do echo "$line" >"$scratch/$line"; done <"$scratch/sorted"
find "$scratch" -name 'o*' -exec rm {} +
sed -i s/one/eins/ "$scratch/input" && cat "$scratch/input"
