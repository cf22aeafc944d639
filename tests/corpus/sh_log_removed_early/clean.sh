# Collects warnings on a descriptor of its own, closes it, and removes their file.
exec 3>warnings.log
echo "deprecated option" >&3
exec 3>&-
rm warnings.log
echo "done"
