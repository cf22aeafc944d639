# Collects warnings on a descriptor of its own and removes their file before the script ends.
exec 3>warnings.log
echo "deprecated option" >&3
rm warnings.log
exec 3>&-
echo "done"
