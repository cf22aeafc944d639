# The pip of a virtual environment installs, lists, upgrades and uninstalls a local wheel.
set -e
python3 -m venv v
pip='v/bin/python -m pip --disable-pip-version-check'
$pip install --no-cache-dir --no-index --find-links dist demo==1.0
v/bin/demo
$pip install --no-cache-dir --no-index --find-links dist --upgrade demo
v/bin/demo
$pip show -f demo
$pip check
$pip uninstall -y demo
v/bin/python -c 'import demo' || echo "status $?"
rm -r v
