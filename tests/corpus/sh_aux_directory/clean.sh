# Checks out a tree that keeps its auxiliary sources in a directory of their own.
mkdir auxiliary
echo "int systick(void);" >auxiliary/systick.h
find . -name systick.h
