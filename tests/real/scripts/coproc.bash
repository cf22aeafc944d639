# A coprocess talked to in both directions, and its end.
coproc CALC { while read -r x; do echo $((x * x)); done; }
for x in 3 4 5; do
    echo $x >&"${CALC[1]}"
    read -r answer <&"${CALC[0]}"
    echo "$x squared is $answer"
done
pid=$CALC_PID
eval "exec ${CALC[1]}>&-"
wait $pid
echo "status $?"
coproc { echo ready; exec sleep 60; }
pid=$COPROC_PID
read -r word <&"${COPROC[0]}"
echo "$word"
kill -TERM $pid
wait $pid
echo "status $?"
