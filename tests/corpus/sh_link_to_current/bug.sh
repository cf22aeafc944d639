# Points a name at the version that is to be used.
mkdir v1
echo 1 >v1/version
ln -s v1 current
cat current/version
