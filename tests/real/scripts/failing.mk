all: good bad other
good:
	echo good
bad:
	exit 3
other: bad
	echo unreached
.PHONY: all good bad other
