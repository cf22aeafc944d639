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
coproc sleep 60
kill -INT $COPROC_PID
kill -TERM $COPROC_PID
wait $COPROC_PID
echo "status $?"
