# Says in a file which version is to be used.
mkdir v1
echo 1 >v1/version
echo v1 >current
cat "$(cat current)/version"
