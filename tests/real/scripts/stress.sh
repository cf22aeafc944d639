# Every stressor of one class of stress-ng for a second, one after the other; prints what any of them complained about.
stress-ng --class "$1" --sequential 1 --timeout 1s --temp-path "$TMPDIR" --oomable --vm-bytes 64M >log 2>&1 &
wait $!
status=$?
grep -E 'fail:|error:' log | sed 's/\[[0-9]*\]//'
rm -f log
exit $status
