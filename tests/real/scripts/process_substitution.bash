# Process substitution in both directions.
diff <(sort a) <(sort b) | wc -l
comm -12 <(sort a) <(sort b) | wc -l
seq 10 | tee >(wc -l >count) >(sort -rn | head -1 >largest) >/dev/null
while [ ! -s count ] || [ ! -s largest ]; do sleep 0.02; done
cat count largest
while read -r x; do sum=$((sum + x)); done < <(seq 100)
echo $sum
paste <(seq 3) <(seq 4 6) <(seq 7 9)
cat <(cat <(cat <(echo nested)))
exec 7< <(echo through a descriptor)
cat <&7
exec 7<&-
# It ends only after bash has noted it: of one that has ended before, `wait` says -1 now and then, natively too.
exec 8> >(read -r; exit 4)
exec 8>&-
wait $!
echo "status $?"
