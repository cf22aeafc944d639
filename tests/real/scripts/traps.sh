# Traps on signals and exit, in the shell and in subshells, and who inherits an ignored signal.
# A signal that comes before the shell sleeps in wait would not interrupt it.
until_asleep() {
    asleep=0
    while [ $asleep -lt 5 ]; do
        case $(cut -d' ' -f3 /proc/$1/stat) in S) asleep=$((asleep + 1)) ;; *) asleep=0 ;; esac
        sleep 0.02
    done
}
trap 'echo usr1' USR1
kill -USR1 $$
trap 'echo term' TERM
(trap - TERM; sh -c 'kill -TERM $PPID'; echo after); echo "status $?"
# A child killed before it has reset an inherited trap would lose the signal.
trap - TERM
trap '' HUP
sh -c 'kill -HUP $$; echo "ignored signals are inherited"'
trap - HUP
sh -c 'kill -HUP $$; echo unreached'; echo "status $?"
(trap 'echo subshell exit' EXIT; exit 3); echo "status $?"
sleep 60 & child=$!
kill -KILL $child
wait $child; echo "status $?"
sleep 60 & child=$!
(until_asleep $$; kill -USR1 $$) &
wait $child; echo "interrupted $?"
kill $child
wait $child; echo "status $?"
wait
trap 'echo bye; exit 0' EXIT
exit 9
