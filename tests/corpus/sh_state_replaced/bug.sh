# Reads its state line by line and replaces it in the loop's middle.
printf '1\n2\n' >state
exec 3<state
read -r first <&3
echo "$first done" >state.new
mv state.new state
read -r second <&3
exec 3<&-
echo "$second"
