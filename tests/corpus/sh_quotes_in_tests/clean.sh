# Makes the test files of a tool: each is named after the sentence that it tests, without marks.
mkdir tests
echo "exit 0" >'tests/install prints help'
echo "exit 0" >'tests/install fails offline'
ls tests | wc -l
