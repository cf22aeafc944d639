parts := 1 2 3 4 5 6
self := $(lastword $(MAKEFILE_LIST))
all: $(parts)
$(parts):
	+@$(MAKE) --no-print-directory -f $(self) leaf-$@-a leaf-$@-b
leaf-%:
	@echo $@ >$@; cat $@
.PHONY: all $(parts)
