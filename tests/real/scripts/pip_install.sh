# Install a local wheel into a virtual environment without an index, and run what it brings.
set -e
python3 -m venv --without-pip v
python3 -m pip --python v/bin/python install --disable-pip-version-check --no-cache-dir --no-index --find-links dist demo==1.1
v/bin/demo
v/bin/python -c 'import demo; print(demo.answer())'
