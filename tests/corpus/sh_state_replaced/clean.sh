# Reads its state line by line and replaces it when all is read.
printf '1\n2\n' >state
exec 3<state
read -r first <&3
read -r second <&3
exec 3<&-
echo "$first done" >state.new
mv state.new state
echo "$second"
