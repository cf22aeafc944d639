# Signals between processes: delivery, default actions, stop and continue, masks over exec.
for signal in HUP INT QUIT ABRT FPE SEGV PIPE ALRM TERM USR1 USR2 XCPU VTALRM IO SYS TRAP RTMIN RTMAX; do
    (ulimit -c 0; trap - $signal; kill -$signal $BASHPID; echo survived) 2>/dev/null
    echo "$signal $?"
done
for signal in CHLD CONT URG WINCH; do
    (kill -$signal $BASHPID; exit 7)
    echo "$signal $?"
done
state() { cut -d' ' -f3 "/proc/$1/stat"; }
# Every system call of a traced process stops it for a moment, so a state counts when five readings agree.
agree() { for _ in 1 2 3 4 5; do [[ $(state $1) == $2 ]] || return; sleep 0.02; done; }
settle() { until agree $1 $2; do sleep 0.01; done; }
sleep 60 & child=$!
settle $child S
kill -STOP $child
settle $child [Tt]
echo "child is $(state $child)"
kill -CONT $child
settle $child S
kill -TERM $child; wait $child; echo "status $?"
trap 'echo "caught $((++count))"' USR1
for i in 1 2 3 4 5; do kill -USR1 $$; done
(for i in 1 2 3; do settle $$ S; kill -USR1 $$; done) &
until [ "$count" = 8 ]; do wait; done
trap '' INT
bash -c 'kill -INT $$; echo "ignored over exec"'
bash -c 'trap "echo chld" CHLD; (exit 0) & wait $!'
kill -0 $$ && echo "exists"
kill -0 999999999 2>/dev/null || echo "does not exist"
kill -l | head -n 1
trap 'echo err on line $LINENO' ERR
false
exit 0
