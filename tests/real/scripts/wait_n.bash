# wait in all its forms.
(exit 3) & wait -n; echo "first $?"
sleep 5 & slow=$!
(sleep 0.05; exit 4) &
wait -n; echo "quicker $?"
(exit 5) & five=$!
wait -n -p which $five; echo "status $?, same process: $((which == five))"
kill $slow; wait $slow; echo "slow $?"
wait -n; echo "none left $?"
wait 1; echo "not a child $?"
for i in 1 2 3 4 5 6; do (exit $i) & children+=($!); done
for child in "${children[@]}"; do wait $child; statuses+=($?); done
echo "${statuses[@]}"
wait; echo "all $?"
