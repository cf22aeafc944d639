# Signals between processes: delivery, default actions, stop and continue, masks over exec.
for signal in HUP INT QUIT ABRT FPE SEGV PIPE ALRM TERM USR1 USR2 XCPU VTALRM IO SYS TRAP RTMIN RTMAX; do
    (ulimit -c 0; trap - $signal; kill -$signal $BASHPID; echo survived) 2>/dev/null
    echo "$signal $?"
done
for signal in CHLD CONT URG WINCH; do
    (kill -$signal $BASHPID; exit 7)
    echo "$signal $?"
done
state() {
    until [[ "$(cut -d' ' -f3 "/proc/$1/stat")" == $2 ]]; do sleep 0.01; done
    echo "child is $(cut -d' ' -f3 "/proc/$1/stat")"
}
sleep 60 & child=$!
kill -STOP $child; state $child [Tt]
kill -CONT $child; state $child S
kill -TERM $child; wait $child; echo "status $?"
trap 'echo "caught $((++count))"' USR1
for i in 1 2 3 4 5; do kill -USR1 $$; done
(for i in 1 2 3; do kill -USR1 $$; sleep 0.05; done) &
until [ "$count" = 8 ]; do wait; done
trap '' INT
bash -c 'kill -INT $$; echo "ignored over exec"'
trap 'echo chld' CHLD
(exit 0) & wait $!
trap - CHLD
kill -0 $$ && echo "exists"
kill -0 999999999 2>/dev/null || echo "does not exist"
kill -l | head -n 1
trap 'echo err on line $LINENO' ERR
false
exit 0
