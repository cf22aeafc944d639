# Checks out a tree that keeps its auxiliary sources in a directory of their own.
mkdir aux
echo "int systick(void);" >aux/systick.h
find . -name systick.h
