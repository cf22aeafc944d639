# Nested subshells, command substitutions and many short processes.
(((((((((((echo deep; exit 3)))))))))) ); echo "status $?"
depth() { if [ "$1" -gt 0 ]; then echo "$(depth $(($1 - 1)))x"; fi; }
depth 30
for i in {1..60}; do (exit $((i & 3))); total=$((total + $?)); done; echo $total
for i in {1..30}; do x+=$(/bin/echo -n $i); done; echo $x
for i in {1..20}; do (sleep 0.02; echo $i) & done | sort -n | tail -1
wait
echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL))
